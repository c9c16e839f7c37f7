import { rm } from 'node:fs/promises'
import { Afterwork } from '../afterwork.ts'
import type { Tasks } from '../core/definition.ts'
import { milliseconds, type Duration } from '../core/duration.ts'
import { AfterworkError, badOption } from '../core/errors.ts'
import type { EndedTask } from '../core/on-ended.ts'
import { checkName, checkReference, type ArgsOf, type TaskReference } from '../core/reference.ts'
import { toAdded, type Added, type AnyAdded, type PartsOf } from './added.ts'
import { Bench } from './bench.ts'
import { Drain, type DrainOptions } from './drain.ts'
import { Expectation, type Expected } from './expectation.ts'
import { lastTime, resolveTest, type ResolvedTest, type TestOptions } from './test-options.ts'

/**
 * Background tasks for the tests of a Koa app: the real queue, order, options and middleware, on a clock that stands
 * still, with tasks that run in the process of the test, one at a time.
 * @throws AFTERWORK_BAD_OPTION
 * @example
 * const afterwork = testAfterwork({ tasks })
 * await afterwork.start()
 * const server = createApp(afterwork).listen(0)
 * await fetch(`http://127.0.0.1:${server.address().port}/users`, { method: 'POST' })
 * afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }])
 * await afterwork.drain()
 */
export function testAfterwork<T extends Tasks<Record<string, any>>>(
  options: TestOptions<T>,
): TestAfterwork<T> {
  return new TestAfterwork<T>(resolveTest(options))
}

/** An Afterwork that a test looks into and drives by hand. */
export class TestAfterwork<
  T extends Tasks<Record<string, any>> = Tasks<Record<string, any>>,
> extends Afterwork {
  readonly #test: ResolvedTest
  readonly #bench: Bench
  readonly #drain: Drain
  #added: Added[] = []
  /** Shuts the gate that is open in the mode 'inline'. */
  #shut = (): void => {}
  #state: 'new' | 'started' | 'stopped' = 'new'

  constructor(test: ResolvedTest) {
    const bench = new Bench(test.url, test.now, (task, at) => void this.#added.push(toAdded(task, at)))
    super(test.options, bench.parts)
    this.#test = test
    this.#bench = bench
    this.#drain = new Drain(this, bench)
  }

  /** Loads every module in this process and lets tasks in; throws AFTERWORK_TASKS_FILE. */
  override async start(): Promise<void> {
    await super.start()
    if (this.#state !== 'new') return
    this.#state = 'started'
    if (this.#test.mode === 'inline') this.#shut = this.#bench.gate.open()
  }

  /** Stops what runs, forgets the rest, and leaves nothing open. */
  override async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#shut()
    await super.stop()
    this.#bench.clock.reset()
    this.#drain.reset()
    if (this.#test.ownFiles !== undefined) await rm(this.#test.ownFiles, { recursive: true, force: true })
  }

  /** Every task that was added since the start or reset(), the first first. */
  get added(): readonly AnyAdded<T>[] {
    return [...this.#added] as unknown as AnyAdded<T>[]
  }

  /** What time it is for the tasks. */
  get now(): Date {
    return new Date(this.#bench.clock.now())
  }

  /**
   * Asserts that a task was added with these arguments, of each as much as one wants to say, and these options; gives
   * all that were.
   * @throws AssertionError that shows what was added instead; AFTERWORK_UNKNOWN_TASK, AFTERWORK_BAD_TASK,
   *   AFTERWORK_BAD_OPTION, AFTERWORK_NOT_STARTED
   * @example
   * afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }], { times: 1, delay: '5m' })
   */
  readonly assertAdded = <R extends TaskReference>(
    task: R,
    args?: PartsOf<ArgsOf<R>>,
    expected: Expected = {},
  ): Added<string, ArgsOf<R>>[] => {
    this.#check(task)
    const found = new Expectation(task, args, expected).check(this.#added, this.assertAdded)
    return found as unknown[] as Added<string, ArgsOf<R>>[]
  }

  /** Asserts that no such task was added; throws as assertAdded() does. */
  readonly assertNotAdded = <R extends TaskReference>(
    task: R,
    args?: PartsOf<ArgsOf<R>>,
    expected: Omit<Expected, 'times'> = {},
  ): void => {
    this.#check(task)
    new Expectation(task, args, { ...expected, times: 0 }).check(this.#added, this.assertNotAdded)
  }

  /**
   * Waits until the responses have closed, then runs all that is due, and what that adds, until nothing is left that
   * could run now; gives the tasks that have ended since the last drain() or reset().
   * @throws AFTERWORK_TASK_FAILED with the error of the first attempt that failed as its `cause`, one that will be
   *   retried included, unless `allowFailures`; AFTERWORK_NOT_DRAINED; AFTERWORK_NOT_STARTED, AFTERWORK_STOPPED
   */
  async drain(options: DrainOptions = {}): Promise<EndedTask[]> {
    this.#checkStarted('drain()')
    return this.#drain.run('drain()', options)
  }

  /**
   * Lets time pass. In the mode 'inline' what becomes due on the way runs, each at its time, and this gives and throws
   * what drain() would; in the mode 'capture' it waits for drain().
   * @throws AFTERWORK_BAD_OPTION
   */
  async advance(duration: Duration, options: DrainOptions = {}): Promise<EndedTask[]> {
    this.#checkStarted('advance()')
    const wait = milliseconds(duration, 'advance()')
    const { clock } = this.#bench
    const until = clock.now() + wait
    if (until > lastTime) throw badOption('advance()', 'a time that a Date can hold', duration)
    if (this.#test.mode === 'inline') return this.#drain.run('advance()', options, until)
    await this.#drain.begun()
    clock.moveTo(until)
    return []
  }

  /** Forgets every task and what was added, sets the clock back, resumes all pools: for the next test. */
  reset(): void {
    this.#bench.reset()
    this.#drain.reset()
    this.#added = []
  }

  /**
   * Calls `teardown` of every module that exports it. The modules are those of the process, which other tests may go
   * on using, so stop() does not: call it after the last one.
   */
  teardown(): Promise<void> {
    return this.#bench.modules.tearDown()
  }

  /** A name that does not exist was never added, which would please assertNotAdded(). */
  #check(task: TaskReference): void {
    checkReference(task, this.#test.url)
    const { names } = this.#bench
    if (names === undefined)
      throw new AfterworkError('AFTERWORK_NOT_STARTED', 'Call `await afterwork.start()` before')
    checkName(task.name, names)
  }

  #checkStarted(what: string): void {
    if (this.#state === 'started') return
    throw this.#state === 'new'
      ? new AfterworkError('AFTERWORK_NOT_STARTED', `${what}: call \`await afterwork.start()\` before`)
      : new AfterworkError('AFTERWORK_STOPPED', `${what} was called after stop()`)
  }
}
