import type { ResolvedOptions } from '../core/options.ts'
import type { ArgsOf } from '../core/reference.ts'
import type { NewTask } from '../core/task.ts'
import { decodeArguments } from '../core/value.ts'

/** A task that was added: by a request, by addTask(), by another task, or as its `onEnded`. */
export interface Added<Name extends string = string, Args extends readonly unknown[] = readonly unknown[]> {
  readonly id: string
  /** Module and export, such as 'mail.sendEmail'; 'local.' and its name for a local function. */
  readonly name: Name
  /** The arguments as the task will get them; none are known of a local function. */
  readonly args: Args
  /** All its options, complete; durations are milliseconds. */
  readonly options: Readonly<ResolvedOptions>
  readonly addedAt: Date
  /** When it may start, if that is not at once. */
  readonly runAt: Date | null
}

/** What can be added with the references of a tasks file, told apart by `name`. */
export type AnyAdded<T> =
  | {
      [M in keyof T & string]: {
        [N in keyof T[M] & string]: Added<`${M}.${N}`, ArgsOf<T[M][N]>>
      }[keyof T[M] & string]
    }[keyof T & string]
  | Added<`local.${string}`, []>

/** As much of a value as one wants to say. */
export type Part<T> = T extends Whole
  ? T
  : T extends readonly unknown[]
    ? { [I in keyof T]: Part<T[I]> }
    : T extends object
      ? { [K in keyof T]?: Part<T[K]> | undefined }
      : T

/** As many arguments as one wants to say, and as much of each. */
export type PartsOf<Args extends readonly unknown[]> = Partial<{ [I in keyof Args]: Part<Args[I]> }>

type Whole = string | number | boolean | bigint | null | undefined | Date | Uint8Array

export function toAdded({ id, name, args, options }: NewTask, at: number): Added {
  const runAt = options.runAt ?? (options.delay > 0 ? at + options.delay : null)
  return {
    id,
    name,
    args: decodeArguments(args),
    options,
    addedAt: new Date(at),
    runAt: runAt === null ? null : new Date(runAt),
  }
}
