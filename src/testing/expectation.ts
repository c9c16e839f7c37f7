import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import { integer } from '../core/check.ts'
import { badOption } from '../core/errors.ts'
import { resolveOptions, type CallOptions, type ResolvedOptions } from '../core/options.ts'
import { redact } from '../core/redact.ts'
import type { TaskReference } from '../core/reference.ts'
import type { Added } from './added.ts'
import { differences, type Difference } from './difference.ts'

/** How often a task is expected to have been added, and with which options. */
export interface Expected extends Omit<CallOptions, 'client'> {
  /** Exactly so often. Default: at least once. */
  times?: number
}

/** How many of the tasks that were added a failure shows. */
const mostShown = 20

/** What a test expects to have been added. */
export class Expectation {
  readonly #name: string
  readonly #redacted: readonly string[]
  readonly #args: readonly unknown[] | undefined
  readonly #times: number | undefined
  readonly #given: Omit<Expected, 'times'>
  readonly #options: Partial<ResolvedOptions>

  /** @throws AFTERWORK_BAD_OPTION */
  constructor(task: TaskReference, args: unknown, expected: Expected) {
    const where = 'assertAdded()'
    const { times, ...options } = expected
    this.#name = task.name
    this.#redacted = task.options.redact
    if (args !== undefined && !Array.isArray(args)) throw badOption(`${where}: arguments`, 'an array', args)
    this.#args = args
    this.#times =
      times === undefined ? undefined : integer(0, Number.MAX_SAFE_INTEGER)(times, `${where}.times`)
    const resolved = resolveOptions(options, task.options, where, 'call')
    this.#given = options
    this.#options = Object.fromEntries(
      (Object.keys(options) as (keyof typeof options)[])
        .filter((key) => options[key] !== undefined)
        .map((key) => [key, resolved[key]]),
    )
  }

  /** Gives what was added as expected; throws an AssertionError of `caller` that shows what was added instead. */
  check(added: readonly Added[], caller: Function): Added[] {
    const named = added.filter(({ name }) => name === this.#name)
    const compared = named.map((task) => ({ task, differences: this.#compare(task) }))
    const found = compared.filter((each) => each.differences.length === 0).map(({ task }) => task)
    if (this.#times === undefined ? found.length > 0 : found.length === this.#times) return found
    const lines = [`Expected ${this.#shown} to be added ${count(this.#times)}, got ${found.length}.`]
    const others = compared.filter((each) => each.differences.length > 0)
    const [nearest] = others.toSorted((a, b) => a.differences.length - b.differences.length)
    if (nearest !== undefined && found.length < (this.#times ?? 1)) {
      lines.push('The nearest:', `  ${this.#describe(nearest.task)}`)
      for (const each of nearest.differences) lines.push(`  ${this.#tell(each)}`)
    }
    lines.push(...this.#list(added))
    throw new AssertionError({ message: lines.join('\n'), operator: caller.name, stackStartFn: caller })
  }

  get #shown(): string {
    const options = Object.keys(this.#options).length === 0 ? '' : ` and ${show(this.#given)}`
    return `${this.#name}${this.#args === undefined ? '' : ` with ${this.#secretless(this.#args)}`}${options}`
  }

  #compare({ args, options }: Added): Difference[] {
    const wrong = (this.#args ?? []).flatMap((expected, index) => differences(args[index], expected, [index]))
    const misset = differences(options, this.#options, ['options'])
    return [...wrong, ...misset]
  }

  #tell({ path: [first, ...path], expected, got }: Difference): string {
    const where = typeof first === 'number' ? `argument ${first + 1}` : String(first)
    const keys = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
    const key = String(path.findLast((step) => typeof step === 'string') ?? '')
    const hide = (value: unknown): string =>
      show(Object.values(redact({ [key]: value }, this.#redacted) as object)[0])
    return `${where}${keys}: expected ${hide(expected)}, got ${hide(got)}`
  }

  #list(added: readonly Added[]): string[] {
    if (added.length === 0) return ['Nothing was added.']
    const lines = added.slice(0, mostShown).map((task, index) => `  ${index + 1}. ${this.#describe(task)}`)
    if (added.length > mostShown) lines.push(`  and ${added.length - mostShown} more`)
    return ['What was added:', ...lines]
  }

  #describe({ name, args, options, runAt, addedAt }: Added): string {
    const wait = runAt === null ? '' : ` in ${runAt.getTime() - addedAt.getTime()} ms`
    return `${name} ${show(redact(args, [...options.redact, ...this.#redacted]))}${wait}`
  }

  #secretless(args: readonly unknown[]): string {
    return show(redact(args, this.#redacted))
  }
}

function count(times: number | undefined): string {
  if (times === undefined) return 'at least once'
  return times === 1 ? 'once' : `${times} times`
}

function show(value: unknown): string {
  return inspect(value, {
    depth: 6,
    compact: true,
    breakLength: Infinity,
    maxStringLength: 200,
    maxArrayLength: 20,
  })
}
