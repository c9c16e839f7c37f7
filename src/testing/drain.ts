import { clearTimeout, setTimeout } from 'node:timers'
import type { Afterwork } from '../afterwork.ts'
import { boolean, checkKeys, number } from '../core/check.ts'
import { milliseconds, type Duration } from '../core/duration.ts'
import { AfterworkError } from '../core/errors.ts'
import type { TaskEvent } from '../core/events.ts'
import { toError, type Failure } from '../core/failure.ts'
import { toEnded, type EndedTask } from '../core/on-ended.ts'
import type { Bench } from './bench.ts'
import { nextTurn } from './turn.ts'

/** The longest a Node.js timer can wait. */
const maxTimer = 2 ** 31 - 1
/** How much of what still goes on an error shows. */
const mostShown = 10

/** Options of drain() and advance(). */
export interface DrainOptions {
  /** Whether attempts may fail. Default false: the first failure is thrown. */
  allowFailures?: boolean
  /** Whether time passes until nothing waits for a delay, a retry or a limit any more. Default false. */
  scheduled?: boolean
  /** How long it may take by the clock on the wall; past it AFTERWORK_NOT_DRAINED says what still goes on. Default 4 s. */
  within?: Duration
}

interface Failed extends TaskEvent {
  attempt: number
  failure: Failure
}

/** Runs what is due, and keeps what came of it until it is asked for. */
export class Drain {
  readonly #afterwork: Afterwork
  readonly #bench: Bench
  /** Tasks whose response has not closed, by id. */
  readonly #held = new Map<string, string>()
  #ended: EndedTask[] = []
  #failed: Failed[] = []
  /** Who waits until none is held. */
  readonly #waiting: (() => void)[] = []
  #draining = 0

  constructor(afterwork: Afterwork, bench: Bench) {
    this.#afterwork = afterwork
    this.#bench = bench
    const keep = ({ id }: TaskEvent): Promise<void> => this.#keep(id)
    afterwork
      .on('task.added', ({ id, name, held }) => void (held && this.#held.set(id, name)))
      .on('task.released', ({ id }) => {
        this.#held.delete(id)
        this.#released()
      })
      .on('task.succeeded', keep)
      .on('task.cancelled', keep)
      .on('task.failed', (event) => {
        this.#failed.push(event)
        return keep(event)
      })
      .on('task.retried', (event) => void this.#failed.push(event))
  }

  /**
   * Runs what is due at `until`, milliseconds since 1970, and before, each at its time; without it, what is due now.
   * @throws AFTERWORK_BAD_OPTION, AFTERWORK_NOT_DRAINED, AFTERWORK_TASK_FAILED
   */
  async run(what: string, given: DrainOptions, until?: number): Promise<EndedTask[]> {
    const { allowFailures, scheduled, within } = resolve(given, what)
    const { clock, gate } = this.#bench
    const late = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => late.resolve('late'), within)
    const shut = gate.open()
    this.#draining++
    try {
      let gaveUp = false
      const passed = this.#pass(scheduled ? Infinity : (until ?? clock.now()), () => gaveUp)
      gaveUp = (await Promise.race([passed, late.promise])) === 'late'
      if (gaveUp) throw this.#notDrained(what, within)
      return this.#take(allowFailures)
    } finally {
      this.#draining--
      shut()
      clearTimeout(timer)
    }
  }

  /** While a drain goes on: resolves once something runs, for whose time to pass, or nothing more does. */
  async begun(): Promise<void> {
    while (this.#draining > 0 && !this.#bench.begun) await nextTurn()
  }

  reset(): void {
    this.#held.clear()
    this.#released()
    this.#ended = []
    this.#failed = []
  }

  async #pass(until: number, stopped: () => boolean): Promise<void> {
    const { clock } = this.#bench
    await this.#settled()
    for (let next = clock.next; next !== undefined && next <= until && !stopped(); next = clock.next) {
      clock.moveTo(next)
      await this.#settled()
    }
    if (until === Infinity || stopped()) return
    clock.moveTo(until)
    await this.#settled()
  }

  /** Resolves when every response has closed and nothing more runs. */
  async #settled(): Promise<void> {
    await this.#bench.settled()
    while (this.#held.size > 0) {
      await new Promise<void>((released) => this.#waiting.push(released))
      await this.#bench.settled()
    }
  }

  #released(): void {
    if (this.#held.size > 0) return
    for (const released of this.#waiting.splice(0)) released()
  }

  async #keep(id: string): Promise<void> {
    const record = await this.#afterwork.records.get(id)
    if (record !== undefined) this.#ended.push(toEnded(record))
  }

  /** What came of it; throws the first failure. */
  #take(allowFailures: boolean): EndedTask[] {
    const ended = this.#ended
    const [first, ...others] = this.#failed
    this.#ended = []
    this.#failed = []
    if (first === undefined || allowFailures) return ended
    const more = others.length === 0 ? '' : `, and ${others.length} more failed`
    throw new AfterworkError(
      'AFTERWORK_TASK_FAILED',
      `${first.name} failed at attempt ${first.attempt}: ${first.failure.message}${more}`,
      { cause: toError(first.failure) },
    )
  }

  #notDrained(what: string, within: number): AfterworkError {
    const running = this.#bench.running.map(({ name, attempt }) => `${name} runs, at attempt ${attempt}`)
    const held = Array.from(this.#held.values(), (name) => `${name} waits for its response to close`)
    const reasons = [...running, ...held].slice(0, mostShown).join('; ')
    const [first] = this.#failed
    return new AfterworkError(
      'AFTERWORK_NOT_DRAINED',
      `${what} waited for ${within} ms: ${reasons || 'tasks add tasks without end'}`,
      first === undefined ? {} : { cause: toError(first.failure) },
    )
  }
}

function resolve(
  given: DrainOptions,
  what: string,
): { allowFailures: boolean; scheduled: boolean; within: number } {
  const options = checkKeys(given, ['allowFailures', 'scheduled', 'within'], what) as DrainOptions
  return {
    allowFailures: boolean(options.allowFailures ?? false, `${what}.allowFailures`),
    scheduled: boolean(options.scheduled ?? false, `${what}.scheduled`),
    within: number(
      1,
      maxTimer,
      'ms',
    )(milliseconds(options.within ?? '4s', `${what}.within`), `${what}.within`),
  }
}
