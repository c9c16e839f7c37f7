import test, { type ExecutionContext } from 'ava'
import { Events, type AfterworkEvents, type EventName } from '../../src/core/events.ts'
import { toFailure } from '../../src/core/failure.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { AttemptEnd, Runner } from '../../src/core/pool.ts'
import type { ClaimedTask, NewTask } from '../../src/core/task.ts'
import { Dispatcher } from '../../src/dispatch/dispatcher.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { newGroup, newTask } from '../queue/conformance.ts'

const failure = toFailure(new RangeError('too far'))
const succeeded: Outcome = { kind: 'succeeded', result: '"done"' }
const failed: Outcome = { kind: 'failed', failure }
const interrupted: Outcome = { kind: 'interrupted', failure }
const soon = { retries: 1, backoff: { first: 1, factor: 1, jitter: 0, max: 1 } }

/** A pool whose attempts end when a test says so. */
class FakeRunner implements Runner {
  readonly name: string
  readonly #slots: number
  readonly #running = new Map<string, (end: AttemptEnd) => void>()
  readonly #waiting = new Map<string, (task: ClaimedTask) => void>()
  /** Ids in the order in which they began. */
  readonly began: string[] = []
  stopped = false
  /** Whether it was ever given more than it had room for. */
  overfull = false

  constructor(name: string, slots: number) {
    this.name = name
    this.#slots = slots
  }

  get free(): number {
    return this.#slots - this.#running.size
  }

  run(task: ClaimedTask): Promise<AttemptEnd> {
    this.overfull ||= this.free <= 0
    this.began.push(task.id)
    const end = new Promise<AttemptEnd>((resolve) => this.#running.set(task.id, resolve))
    this.#waiting.get(task.id)?.(task)
    this.#waiting.delete(task.id)
    return end
  }

  /** Resolves once the task runs. */
  runs({ id }: { id: string }): Promise<void> {
    if (this.#running.has(id)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.set(id, () => resolve()))
  }

  /** Waits until the task runs, and ends it so. */
  async end(task: { id: string }, outcome: Outcome = succeeded): Promise<void> {
    await this.runs(task)
    const resolve = this.#running.get(task.id)!
    this.#running.delete(task.id)
    resolve({ outcome, startedAt: Date.now(), thread: 7 })
  }

  cancel(): void {}

  async stop(): Promise<void> {
    this.stopped = true
    for (const id of this.#running.keys()) await this.end({ id }, interrupted)
  }
}

/** A queue, a pool and the dispatcher between them. */
class Stage {
  readonly queue = new MemoryQueue({ maxTasks: 1_000, maxBytes: 1_000_000 }, {
    age: 3_600_000,
    tasks: 1_000,
  } as never)
  readonly events = new Events()
  readonly cpu: FakeRunner
  readonly mail = new FakeRunner('mail', 1)
  readonly dispatcher: Dispatcher

  constructor(t: ExecutionContext, slots = 1) {
    this.cpu = new FakeRunner('cpu', slots)
    this.dispatcher = new Dispatcher(this.queue, [this.cpu, this.mail], this.events)
    // The pause after an error keeps no process alive, so this does.
    const alive = setInterval(() => {}, 60_000)
    t.teardown(async () => {
      clearInterval(alive)
      await this.dispatcher.stop(0)
      await this.queue.close()
    })
  }

  async add(...tasks: NewTask[]): Promise<void> {
    await this.queue.add(tasks, { held: false })
  }

  told<K extends EventName>(name: K): Promise<AfterworkEvents[K][0]> {
    return new Promise((resolve) => this.events.once(name, (event) => resolve(event)))
  }

  async state({ id }: { id: string }): Promise<string | undefined> {
    return (await this.queue.get(id))?.state
  }
}

/** Lets everything happen that is on its way: the call back of the queue, and all that follows from it. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

function ids(tasks: readonly { id: string }[]): string[] {
  return tasks.map(({ id }) => id)
}

test('nothing runs before the start, and what waited runs then', async (t) => {
  const { dispatcher, cpu, mail, ...stage } = spread(new Stage(t))
  const tasks = [newTask(), newTask({ options: { pool: 'mail' } })] as const
  await stage.add(...tasks)
  await settled()
  t.deepEqual(cpu.began, [])
  dispatcher.start()
  await Promise.all([cpu.runs(tasks[0]), mail.runs(tasks[1])])
  t.deepEqual(mail.began, [tasks[1].id])
})

test('a pool is never given more than it has room for, and never left idle', async (t) => {
  const { dispatcher, cpu, add } = spread(new Stage(t, 3))
  const tasks = Array.from({ length: 20 }, () => newTask())
  dispatcher.start()
  await add(...tasks.slice(0, 10))
  for (const [index, task] of tasks.entries()) {
    await cpu.runs(task)
    await settled()
    t.is(cpu.began.length, Math.min(index + 3, index < 8 ? 10 : 20))
    if (index === 7) await add(...tasks.slice(10))
    if (index === 7) await cpu.runs(tasks[9]!)
    await cpu.end(task)
  }
  t.false(cpu.overfull)
  t.deepEqual(cpu.began, ids(tasks))
})

test('what comes later with higher priority goes first', async (t) => {
  const { dispatcher, cpu, add } = spread(new Stage(t))
  const first = newTask()
  const rest = [0, 5, -1, 5].map((priority) => newTask({ options: { priority } }))
  dispatcher.start()
  await add(first)
  await cpu.runs(first)
  await add(...rest)
  const [a, b, c, d] = rest as [NewTask, NewTask, NewTask, NewTask]
  for (const task of [first, b, d, a, c]) await cpu.end(task)
  t.deepEqual(cpu.began, ids([first, b, d, a, c]))
})

test('tasks of a group run one after another though there is room', async (t) => {
  const { dispatcher, cpu, add } = spread(new Stage(t, 3))
  const [a, b] = newGroup({}, {}) as [NewTask, NewTask]
  const other = newTask()
  dispatcher.start()
  await add(a, b, other)
  await Promise.all([cpu.runs(a), cpu.runs(other)])
  await settled()
  t.deepEqual(cpu.began, ids([a, other]))
  await cpu.end(a)
  await cpu.runs(b)
})

test('a pool that is full does not keep another waiting', async (t) => {
  const { dispatcher, cpu, mail, add } = spread(new Stage(t))
  const [a, b] = [newTask(), newTask()]
  const letter = newTask({ options: { pool: 'mail' } })
  dispatcher.start()
  await add(a, b)
  await cpu.runs(a)
  await add(letter)
  await mail.end(letter)
  t.deepEqual(cpu.began, [a.id])
})

test('a pool that nobody runs leaves its tasks queued', async (t) => {
  const { dispatcher, add, state } = spread(new Stage(t))
  const task = newTask({ options: { pool: 'gone' } })
  dispatcher.start()
  await add(task)
  await settled()
  t.is(await state(task), 'queued')
})

test('the start is recorded before the task runs, and told of', async (t) => {
  const { dispatcher, cpu, add, told, queue } = spread(new Stage(t))
  const task = newTask({ options: { pool: 'cpu' } })
  const started = told('task.started')
  dispatcher.start()
  await add(task)
  t.like(await started, { id: task.id, name: task.name, pool: 'cpu', attempt: 1 })
  t.true((await started).waited >= 0)
  await cpu.runs(task)
  t.like(await queue.get(task.id), { state: 'running', attempt: 1, startedAt: (await started).at })
})

test('a success is recorded with its result, and told of', async (t) => {
  const { dispatcher, cpu, add, told, queue } = spread(new Stage(t))
  const task = newTask()
  const event = told('task.succeeded')
  dispatcher.start()
  await add(task)
  await cpu.end(task)
  t.like(await event, { id: task.id, name: task.name, pool: 'cpu', attempt: 1, thread: 7 })
  t.true((await event).duration >= 0)
  t.like(await queue.get(task.id), { state: 'succeeded', result: '"done"', endedAt: (await event).at })
})

test('a failure without retries is for good, recorded and told of', async (t) => {
  const { dispatcher, cpu, add, told, queue } = spread(new Stage(t))
  const task = newTask()
  const event = told('task.failed')
  dispatcher.start()
  await add(task)
  await cpu.end(task, failed)
  t.like(await event, { id: task.id, attempt: 1, thread: 7 })
  t.deepEqual((await event).failure, failure)
  t.like(await queue.get(task.id), { state: 'failed', error: failure })
})

test('a failure with a retry left is tried again, then for good', async (t) => {
  const { dispatcher, cpu, add, told } = spread(new Stage(t))
  const task = newTask({ options: soon })
  const [retried, failedForGood] = [told('task.retried'), told('task.failed')]
  dispatcher.start()
  await add(task)
  await cpu.end(task, failed)
  const event = await retried
  t.like(event, { id: task.id, attempt: 1, runAt: event.at + 1 })
  t.deepEqual(event.failure, failure)
  await cpu.end(task, failed)
  t.is((await failedForGood).attempt, 2)
})

test('an interrupted task runs again and keeps its retries', async (t) => {
  const { dispatcher, cpu, add, told } = spread(new Stage(t))
  const task = newTask({ options: soon })
  const events = [told('task.interrupted'), told('task.retried')] as const
  dispatcher.start()
  await add(task)
  await cpu.end(task, interrupted)
  t.like(await events[0], { id: task.id, attempt: 1, failure })
  await cpu.end(task, failed)
  t.is((await events[1]).attempt, 2)
  const succeededAt = told('task.succeeded')
  await cpu.end(task)
  t.is((await succeededAt).attempt, 3)
})

test('an outcome that does not count any more is told to nobody', async (t) => {
  const { dispatcher, cpu, add, queue, events } = spread(new Stage(t))
  const task = newTask()
  events.on('task.succeeded', () => t.fail())
  dispatcher.start()
  await add(task)
  await cpu.runs(task)
  await queue.record(task.id, 1, { state: 'failed', at: Date.now(), failure })
  await cpu.end(task)
  await settled()
  t.is((await queue.get(task.id))?.state, 'failed')
})

// The end

test('to stop lets what runs end in its grace, and begins nothing more', async (t) => {
  const { dispatcher, cpu, add, state } = spread(new Stage(t))
  const [a, b] = [newTask(), newTask()]
  dispatcher.start()
  await add(a, b)
  await cpu.runs(a)
  const stopped = dispatcher.stop(60_000)
  await cpu.end(a)
  await stopped
  t.true(cpu.stopped)
  t.is(await state(a), 'succeeded')
  t.is(await state(b), 'queued')
  t.deepEqual(cpu.began, [a.id])
})

test('after its grace what runs is stopped and queued again', async (t) => {
  const { dispatcher, cpu, add, told, queue } = spread(new Stage(t))
  const task = newTask()
  const event = told('task.interrupted')
  dispatcher.start()
  await add(task)
  await cpu.runs(task)
  await dispatcher.stop(0)
  t.is((await event).id, task.id)
  t.like(await queue.get(task.id), { state: 'queued', attempt: 1 })
  t.deepEqual(ids(await queue.claim('cpu', 5)), [task.id])
})

test('to stop waits for what is just being claimed, and gives it back', async (t) => {
  const { dispatcher, cpu, add, queue } = spread(new Stage(t))
  const task = newTask()
  await add(task)
  const claiming = intercept(queue, 'claim')
  dispatcher.start()
  const goOn = await claiming
  let over = false
  const stopped = dispatcher.stop(0).then(() => (over = true))
  await settled()
  t.false(over)
  goOn()
  await stopped
  t.deepEqual(cpu.began, [])
  t.like(await queue.get(task.id), { state: 'queued', attempt: 0 })
  t.deepEqual(ids(await queue.claim('cpu', 5)), [task.id])
})

test('to stop waits for what is just being started, and settles it', async (t) => {
  const { dispatcher, cpu, add, queue } = spread(new Stage(t))
  const task = newTask()
  await add(task)
  const starting = intercept(queue, 'start')
  dispatcher.start()
  const goOn = await starting
  let over = false
  const stopped = dispatcher.stop(60_000).then(() => (over = true))
  await settled()
  t.false(over)
  goOn()
  await cpu.end(task)
  await stopped
  t.is((await queue.get(task.id))?.state, 'succeeded')
})

// Trouble

test('a queue that fails to give tasks is reported, and asked again', async (t) => {
  const { dispatcher, cpu, mail, add, told, queue } = spread(new Stage(t))
  const error = new Error('database is locked')
  const [task, letter] = [newTask(), newTask({ options: { pool: 'mail' } })]
  await add(task)
  failOnce(queue, 'claim', error)
  const trouble = told('afterwork.error')
  dispatcher.start()
  t.like(await trouble, { error, during: 'filling pool cpu' })
  await add(letter)
  await mail.runs(letter)
  await cpu.runs(task)
})

test('a queue that fails to record starts is reported, and the tasks are run later', async (t) => {
  const { dispatcher, cpu, add, told, queue } = spread(new Stage(t, 2))
  const error = new Error('disk full')
  const tasks = [newTask(), newTask()] as const
  await add(...tasks)
  failOnce(queue, 'start', error)
  const trouble = told('afterwork.error')
  dispatcher.start()
  t.like(await trouble, { error, during: 'filling pool cpu' })
  t.deepEqual(cpu.began, [])
  await Promise.all(tasks.map((task) => cpu.runs(task)))
  t.is((await queue.get(tasks[0].id))?.attempt, 1)
})

test('a queue that fails to record an outcome is reported, others go on, and it is asked again until it does', async (t) => {
  const { dispatcher, cpu, add, told, queue, events } = spread(new Stage(t))
  const error = new Error('disk full')
  const [a, b] = [newTask(), newTask()]
  const order: string[] = []
  const both = new Promise<void>((resolve) => {
    events.on('task.succeeded', ({ id }) => order.push(id) === 2 && resolve())
  })
  failOnce(queue, 'record', error)
  const trouble = told('afterwork.error')
  dispatcher.start()
  await add(a, b)
  await cpu.end(a)
  t.like(await trouble, { error, during: `recording the outcome of ${a.name} ${a.id}` })
  t.is((await queue.get(a.id))?.state, 'running')
  await cpu.end(b)
  await both
  t.deepEqual(order, [b.id, a.id])
  t.is((await queue.get(a.id))?.state, 'succeeded')
})

for (const how of ['rejects', 'throws'] as const) {
  test(`a pool that ${how} is reported, its task has failed, and the next runs`, async (t) => {
    const { dispatcher, cpu, add, told, state } = spread(new Stage(t))
    const error = new TypeError('a bug in the pool')
    const [a, b] = [newTask(), newTask()]
    failOnce(cpu, 'run', error, how === 'throws')
    const events = [told('afterwork.error'), told('task.failed')] as const
    dispatcher.start()
    await add(a, b)
    t.like(await events[0], { error, during: `running ${a.name} ${a.id}` })
    t.like(await events[1], { id: a.id, failure: { name: 'TypeError' } })
    await cpu.end(b)
    t.is(await state(a), 'failed')
  })
}

test('a listener that throws stops nothing', async (t) => {
  const { dispatcher, cpu, add, told, events } = spread(new Stage(t))
  const [a, b] = [newTask(), newTask()]
  for (const name of ['task.started', 'task.succeeded'] as const) {
    events.on(name, () => {
      throw new Error('a bug in a listener')
    })
  }
  const trouble = told('afterwork.error')
  dispatcher.start()
  await add(a, b)
  t.is((await trouble).during, 'a listener of task.started')
  await cpu.end(a)
  await cpu.end(b)
})

type Method<T> = {
  [K in keyof T]: T[K] extends (...args: any[]) => infer R
    ? [Extract<R, Promise<unknown>>] extends [never]
      ? never
      : K
    : never
}[keyof T]

/** Makes one call of a method fail, the next one work again. */
function failOnce<T extends object>(target: T, method: Method<T>, error: Error, atOnce = false): void {
  Object.defineProperty(target, method, {
    configurable: true,
    value: () => {
      Reflect.deleteProperty(target, method)
      if (atOnce) throw error
      return Promise.reject(error)
    },
  })
}

/** Holds up one call of a method; resolves, once it is made, with what lets it go on. */
function intercept<T extends object>(target: T, method: Method<T>): Promise<() => void> {
  return new Promise((resolve) => {
    Object.defineProperty(target, method, {
      configurable: true,
      value: async (...args: unknown[]) => {
        Reflect.deleteProperty(target, method)
        await new Promise<void>((goOn) => resolve(goOn))
        return (target[method] as (...args: unknown[]) => Promise<unknown>)(...args)
      },
    })
  })
}

function spread(stage: Stage) {
  const { queue, events, cpu, mail, dispatcher } = stage
  const [add, told, state] = [stage.add.bind(stage), stage.told.bind(stage), stage.state.bind(stage)]
  return { queue, events, cpu, mail, dispatcher, add, told: told as Stage['told'], state }
}
