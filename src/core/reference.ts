import { definedBy, definedIn, type Reference } from './brand.ts'
import { checkClient, setClient, type TransactionClient } from './client.ts'
import { AfterworkError, didYouMean } from './errors.ts'
import { resolveOptions, type CallOptions, type ResolvedOptions } from './options.ts'

/** A function that can be a task. */
export type TaskFunction = (...args: any[]) => unknown

declare const signature: unique symbol

/** Any task that can be queued; made by defineTasks(). The parameter is a hint for the compiler's message only. */
export interface TaskReference<_Hint extends string = string> extends Reference {
  readonly options: Readonly<ResolvedOptions>
}

/** A task with the signature of its function. */
export interface Task<F extends TaskFunction = TaskFunction> extends TaskReference {
  readonly [signature]: F
  /** The same task with options for one call; throws AFTERWORK_BAD_OPTION. */
  with(options: CallOptions & NotForCalls): Task<F>
}

/** The arguments of a task; a parameter whose type cannot be stored becomes a type that says so. */
export type ArgsOf<T> = T extends { readonly [signature]: infer F extends TaskFunction }
  ? StorableAll<Parameters<F>>
  : never

/** What a task's function returns, awaited. */
export type ResultOf<T> = T extends { readonly [signature]: infer F extends TaskFunction }
  ? Awaited<ReturnType<F>>
  : never

/** The type of addTask(), for users' own generic helpers. */
export type AddTask<Result> = <
  T extends TaskReference<'from defineTasks(); for a plain function use addLocal(fn, ...args)'>,
>(
  task: T,
  ...args: ArgsOf<T>
) => Result

/** What stands in the place of a parameter that cannot be stored: a sentence, for the compiler's message. */
export type NotStorable<Why extends string> = `this argument cannot be stored: ${Why}`

/** Options that a call cannot have; the compiler says why not. */
export interface NotForCalls {
  concurrency?: 'a limit belongs where the task is defined'
  rateLimit?: 'a limit belongs where the task is defined'
}

type StorableAll<Args extends readonly unknown[]> = { [I in keyof Args]: Storable<Args[I]> }
type Storable<T> = [Obstacle<T>] extends [never] ? T : NotStorable<Obstacle<T>>
type Depth = [never, 0, 1, 2, 3]
type Leaf = string | number | boolean | bigint | null | undefined | Date | ArrayBufferView

/** Why a type cannot be stored, or never; looks 4 levels deep so that recursive types end. */
type Obstacle<T, D extends number = 4> = 0 extends 1 & T
  ? never
  : unknown extends T
    ? never
    : T extends Leaf
      ? never
      : T extends (...args: any[]) => unknown
        ? 'it is a function; pass data, or use addLocal(fn, ...args)'
        : T extends symbol
          ? 'it is a symbol'
          : [D] extends [0]
            ? never
            : T extends readonly (infer E)[]
              ? Obstacle<E, Depth[D]>
              : T extends object
                ? HasMethods<T> extends true
                  ? 'it is or holds an object with methods; pass its data'
                  : { [K in keyof T]-?: Obstacle<T[K], Depth[D]> }[keyof T]
                : never

type HasMethods<T> = true extends {
  [K in keyof T]-?: NonNullable<T[K]> extends (...args: any[]) => unknown
    ? 0 extends 1 & T[K]
      ? false
      : true
    : false
}[keyof T]
  ? true
  : false

/** A reference to `name` with the options its definition gives it, and with a client for the call. */
export function createReference(
  url: string,
  name: string,
  options: ResolvedOptions,
  client?: TransactionClient,
): Task {
  const reference = {
    name,
    options,
    [definedBy]: url,
    with: (given: CallOptions) => {
      const where = `${name}.with()`
      const resolved = resolveOptions(given, options, where, 'call')
      if (given.client !== undefined) checkClient(given.client, `${where}.client`)
      return createReference(url, name, resolved, given.client ?? client)
    },
  }
  if (client !== undefined) setClient(reference, client)
  return Object.freeze(reference) as unknown as Task
}

/** Throws AFTERWORK_BAD_TASK unless this is a reference made by the defineTasks() call in `url`. */
export function checkReference(value: unknown, url: string): asserts value is TaskReference {
  if (typeof value === 'function') {
    throw new AfterworkError(
      'AFTERWORK_BAD_TASK',
      `Expected a task from defineTasks(), got function ${value.name || '(anonymous)'}; for a plain function use addLocal(fn, ...args)`,
    )
  }
  const from = definedIn(value)
  if (from === url) return
  throw new AfterworkError(
    'AFTERWORK_BAD_TASK',
    from === undefined
      ? 'Expected a task from defineTasks(), such as tasks.files.processFile'
      : `Expected a task defined in ${url}, got one defined in ${from}`,
  )
}

/** Throws AFTERWORK_UNKNOWN_TASK unless the worker found a function of that name. */
export function checkName(name: string, known: ReadonlySet<string>): void {
  if (known.has(name)) return
  throw new AfterworkError(
    'AFTERWORK_UNKNOWN_TASK',
    `No module exports a task named ${name}${didYouMean(name, known)}`,
  )
}
