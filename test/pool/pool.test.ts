import { EventEmitter, on, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { Failure } from '../../src/core/failure.ts'
import type { AttemptEnd, PoolSizes } from '../../src/core/pool.ts'
import type { ClaimedTask, Progress } from '../../src/core/task.ts'
import { decodeValue } from '../../src/core/value.ts'
import { Pool } from '../../src/pool/pool.ts'
import { claimedTask } from './claimed-task.ts'

const catalog = {
  tasks: new URL('./fixtures/tasks.ts', import.meta.url).href,
  names: new Set(['work.add']),
  pools: new Set(['cpu']),
  teardown: false,
}
const workFile = fileURLToPath(new URL('./fixtures/work.ts', import.meta.url))

interface Line {
  task: ClaimedTask
  level: string
  message: string
  fields: Record<string, unknown>
}

/** A pool that ends with the test, and what it told. */
class Subject {
  readonly pool: Pool
  readonly steps: Progress[] = []
  readonly lines: Line[] = []
  readonly errors: Error[] = []
  readonly #told = new EventEmitter()

  constructor(t: ExecutionContext, sizes: Partial<PoolSizes> = {}) {
    const complete = { minThreads: 1, maxThreads: 1, concurrency: 1, nice: 0, env: process.env, ...sizes }
    this.pool = new Pool('cpu', complete, catalog, {
      progress: (_task, progress) => void this.steps.push(progress),
      log: (task, level, message, fields) => {
        this.lines.push({ task, level, message, fields })
        this.#told.emit('line', message)
      },
      error: (error) => void this.errors.push(error),
    })
    t.teardown(() => this.pool.stop())
  }

  run(name: string, args: unknown[] = [], timeout = 60_000): Promise<AttemptEnd> {
    return this.pool.run(claimedTask(`work.${name}`, args, { timeout }))
  }

  /** Hands a task over, and resolves once it says that it runs. */
  async waiting(name: string, timeout?: number): Promise<{ end: Promise<AttemptEnd> }> {
    const said = once(this.#told, 'line')
    const end = this.run(name, [], timeout)
    await said
    return { end }
  }

  /** Lines as they come. */
  said(): AsyncIterable<unknown> {
    return on(this.#told, 'line')
  }
}

function resultOf(t: ExecutionContext, { outcome }: AttemptEnd): unknown {
  if (outcome.kind === 'succeeded')
    return outcome.result === undefined ? undefined : decodeValue(outcome.result)
  t.fail(outcome.failure.stack)
  return undefined
}

function failureOf(
  t: ExecutionContext,
  { outcome }: AttemptEnd,
  kind: 'failed' | 'interrupted' = 'failed',
): Failure {
  t.is(outcome.kind, kind)
  return (outcome as { failure: Failure }).failure
}

// What a task is given, and gives

test.serial('a task gets its arguments and gives its result, whatever can be stored', async (t) => {
  const { pool, run } = bound(new Subject(t))
  const args = [{ at: new Date(5), big: 5n ** 30n, bytes: new Uint8Array([1, 2]) }, undefined, [null, 'x']]
  const before = Date.now()
  const end = await run('echo', [args[0], args[2]])
  t.deepEqual(resultOf(t, end), [args[0], args[2]])
  t.is(resultOf(t, await run('add', [1, 2])), 3)
  t.is(resultOf(t, await run('nothing')), undefined)
  t.true(end.startedAt! >= before && end.startedAt! <= Date.now())
  t.true(end.thread! > 0)
  t.is(pool.free, 1)
})

test.serial(
  'a task runs in a thread, knows itself, and its module is never loaded on the main thread',
  async (t) => {
    const { pool } = bound(new Subject(t))
    const task = { ...claimedTask('more.where'), attempt: 3 }
    const end = await pool.run(task)
    t.like(resultOf(t, end), {
      id: task.id,
      name: 'more.where',
      attempt: 3,
      isMainThread: false,
      threadId: end.thread,
    })
    t.false(Symbol.for('test.loaded') in globalThis)
  },
)

test.serial('threads have the environment of their pool', async (t) => {
  const { run } = bound(new Subject(t, { env: { GREETING: 'hello' } }))
  t.like(resultOf(t, await run('where')), { env: 'hello' })
  t.is(process.env['GREETING'], undefined)
})

// On Linux a process's priority can be asked for each of its threads.
const onLinux = process.platform === 'linux' ? test.serial : test.skip
onLinux('threads are as much nicer than the main thread as their pool says', async (t) => {
  const nice = async (by: number) =>
    (resultOf(t, await bound(new Subject(t, { nice: by })).run('where')) as { nice: number }).nice
  const own = await nice(0)
  t.is(await nice(5), Math.min(own + 5, 19))
})

test.serial('what a task fails with comes back whole, with the stack of its TypeScript', async (t) => {
  const { run } = bound(new Subject(t))
  const failure = failureOf(t, await run('pay'))
  t.like(failure, {
    name: 'PaymentError',
    message: 'no money',
    code: 'CARD_DECLINED',
    fields: { responseCode: 402 },
    cause: { name: 'RangeError', message: 'too far' },
  })
  t.regex(failure.stack!, /^PaymentError: no money\n|^Error: no money\n/)
  t.true(failure.stack!.includes(`${workFile}:`))
})

test.serial('whatever a task throws is a failure, and its thread goes on', async (t) => {
  const { run } = bound(new Subject(t))
  const first = await run('throwNull')
  t.like(failureOf(t, first), {
    code: 'AFTERWORK_NOT_AN_ERROR',
    message: 'Expected an Error to be thrown, got null',
  })
  t.is(failureOf(t, await run('throwHostile')).code, 'AFTERWORK_NOT_AN_ERROR')
  const last = await run('add', [1, 2])
  t.is(last.thread, first.thread)
})

test.serial('a result that cannot be stored fails its task, and its thread goes on', async (t) => {
  const { run } = bound(new Subject(t))
  const first = await run('giveFunction')
  t.like(failureOf(t, first), {
    code: 'AFTERWORK_BAD_VALUE',
    message:
      'the result of work.giveFunction.onDone: Expected JSON, Date, bigint or Uint8Array, got function onDone; a task runs on another thread: pass data, or use addLocal(fn, ...args) for a closure',
  })
  const next = await run('add', [1, 2])
  t.is(resultOf(t, next), 3)
  t.is(next.thread, first.thread)
})

for (const name of ['work.rezise', 'work.version', 'photos.resize']) {
  test.serial(`${name}, which is no task, fails`, async (t) => {
    const { pool } = bound(new Subject(t))
    t.is(failureOf(t, await pool.run(claimedTask(name))).code, 'AFTERWORK_UNKNOWN_TASK')
  })
}

// Slots

test.serial('it has room for the threads times the tasks at a time, and says what it is', async (t) => {
  const subject = new Subject(t, { minThreads: 0, maxThreads: 2, concurrency: 2 })
  const { pool } = subject
  t.is(pool.free, 4)
  const { end } = await subject.waiting('finishEarly', 60_000)
  t.is(pool.free, 3)
  t.deepEqual(pool.state, {
    name: 'cpu',
    minThreads: 0,
    maxThreads: 2,
    concurrency: 2,
    running: 1,
  })
  await pool.stop()
  await end
  t.is(pool.free, 4)
})

test.serial('a thread runs as many tasks at a time as it may', async (t) => {
  const subject = new Subject(t, { concurrency: 3 })
  const ends: Promise<AttemptEnd>[] = []
  for (let i = 0; i < 3; i++) ends.push((await subject.waiting('finishEarly')).end)
  await subject.pool.stop()
  const threads = (await Promise.all(ends)).map(({ thread }) => thread)
  t.is(new Set(threads).size, 1)
})

// Timeouts

test.serial('a task that heeds its signal ends at its timeout, and its thread goes on', async (t) => {
  const { run } = bound(new Subject(t))
  const before = Date.now()
  const end = await run('wait60', [], 30)
  t.true(Date.now() >= before + 30)
  const failure = failureOf(t, end)
  t.like(failure, { code: 'AFTERWORK_TIMED_OUT', message: 'work.wait60 took longer than 30 ms' })
  t.like(failure.cause, { name: 'AbortError', cause: { code: 'AFTERWORK_TIMED_OUT' } })
  const next = await run('add', [1, 2])
  t.is(next.thread, end.thread)
})

test.serial('a task that ends well though its time was over has succeeded', async (t) => {
  const { run } = bound(new Subject(t))
  t.is(resultOf(t, await run('finishEarly', [], 30)), 'half of it')
})

test.serial('a busy loop costs its own thread only, and a new one takes its place', async (t) => {
  const subject = new Subject(t, { minThreads: 2, maxThreads: 2 })
  const neighbour = await subject.waiting('finishEarly')
  const { end } = await subject.waiting('busy', 30)
  const busy = await end
  t.like(failureOf(t, busy), {
    code: 'AFTERWORK_TIMED_OUT',
    message: 'work.busy took longer than 30 ms',
    cause: undefined,
  })
  const next = await subject.run('add', [1, 2])
  t.is(resultOf(t, next), 3)
  t.not(next.thread, busy.thread)
  await subject.pool.stop()
  const spared = await neighbour.end
  t.is(resultOf(t, spared), 'half of it')
  t.not(spared.thread, busy.thread)
})

test.serial('those who shared the thread of a busy loop are interrupted, no others', async (t) => {
  const subject = new Subject(t, { minThreads: 2, maxThreads: 2, concurrency: 2 })
  const neighbours = []
  for (let i = 0; i < 3; i++) neighbours.push((await subject.waiting('finishEarly')).end)
  const { end } = await subject.waiting('busy', 30)
  const busy = await end
  t.is(failureOf(t, busy).code, 'AFTERWORK_TIMED_OUT')
  const interrupted = await Promise.race(neighbours)
  t.is(interrupted.thread, busy.thread)
  t.like(failureOf(t, interrupted, 'interrupted'), {
    code: 'AFTERWORK_WORKER_EXITED',
    message: 'Its thread was ended by another task',
  })
  await subject.pool.stop()
  const spared = (await Promise.all(neighbours)).filter(({ thread }) => thread !== busy.thread)
  t.is(spared.length, 2)
  for (const one of spared) t.is(one.outcome.kind, 'succeeded')
})

// Threads that end

for (const code of [0, 7]) {
  test.serial(`a task that calls process.exit(${code}) fails, and the pool goes on`, async (t) => {
    const { run, errors } = bound(new Subject(t))
    const end = await run('exit', [code])
    t.like(failureOf(t, end), {
      code: 'AFTERWORK_WORKER_EXITED',
      message: `work.exit called process.exit(${code})`,
    })
    const next = await run('add', [1, 2])
    t.is(resultOf(t, next), 3)
    t.not(next.thread, end.thread)
    t.deepEqual(errors, [])
  })
}

for (const [name, sentence] of [
  ['throwLate', 'nobody caught this'],
  ['rejectLate', 'nobody awaited this'],
] as const) {
  test.serial(
    `an exception that nothing catches fails its task, and the pool goes on: ${name}`,
    async (t) => {
      const { run } = bound(new Subject(t))
      const failure = failureOf(t, await run(name))
      t.like(failure, {
        code: 'AFTERWORK_THREW_LATE',
        message: `Nothing caught an exception of work.${name}: ${sentence}`,
        cause: { name: 'RangeError', message: sentence },
      })
      t.true(failure.cause?.stack?.includes(`${workFile}:`))
      t.is(resultOf(t, await run('add', [1, 2])), 3)
    },
  )
}

test.serial('null that nothing catches fails its task too', async (t) => {
  const { run } = bound(new Subject(t))
  t.is(failureOf(t, await run('throwNullLate')).code, 'AFTERWORK_THREW_LATE')
  t.is(resultOf(t, await run('add', [1, 2])), 3)
})

test.serial('an exception that nothing catches is always charged to its task', async (t) => {
  const { run } = bound(new Subject(t, { minThreads: 2, maxThreads: 2 }))
  const ends = await Promise.all(Array.from({ length: 8 }, () => run('throwLate')))
  t.deepEqual(new Set(ends.map(({ outcome }) => outcome.kind)), new Set(['failed']))
})

// What a task says

test.serial('progress is throttled, and the last is always said', async (t) => {
  const { run, steps } = bound(new Subject(t))
  for (let round = 0; round < 200; round++) {
    steps.length = 0
    await run('manySteps', [10_000])
    t.true(steps.length <= 4, `${steps.length} steps`)
    t.deepEqual(steps[0], { fraction: 0, message: 'step 0' })
    t.deepEqual(steps.at(-1), { fraction: 1, message: 'step 10000' })
  }
})

test.serial('progress is between 0 and 1', async (t) => {
  const { run, steps } = bound(new Subject(t))
  await run('oddProgress')
  t.deepEqual(steps, [
    { fraction: 0, message: null },
    { fraction: 1, message: null },
  ])
})

test.serial('log lines come in order with level and fields, before the end of their task', async (t) => {
  const { run, lines } = bound(new Subject(t))
  for (let round = 0; round < 200; round++) {
    lines.length = 0
    await run('sayAll')
    t.deepEqual(
      lines.map(({ level, message, fields }) => [level, message, fields]),
      [
        ['debug', 'a', {}],
        ['info', 'b', { width: 5, at: new Date(0) }],
        ['warn', 'c', { fields: 'cannot be cloned' }],
        ['error', 'd', {}],
      ],
    )
    t.is(lines[0]!.task.name, 'work.sayAll')
  }
})

test.serial('when and where a task ran is known, however short it was', async (t) => {
  const { run } = bound(new Subject(t))
  for (let round = 0; round < 500; round++) {
    const { startedAt, thread } = await run('nothing')
    t.is(typeof startedAt, 'number')
    t.is(typeof thread, 'number')
  }
})

test.serial('a task that has ended says nothing any more, whatever timers it left', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  const { run, lines, steps } = bound(subject)
  await run('leaveTimer')
  const said = lines.length + steps.length
  const { end } = await subject.waiting('finishEarly')
  await run('nothing')
  t.deepEqual(
    lines.slice(said).map(({ message }) => message),
    ['waiting'],
  )
  await subject.pool.stop()
  await end
})

// The end

test.serial('to stop asks the tasks to stop and interrupts them', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  const heeding = await subject.waiting('wait60')
  const early = await subject.waiting('finishEarly')
  await subject.pool.stop()
  t.like(failureOf(t, await heeding.end, 'interrupted'), {
    code: 'AFTERWORK_STOPPING',
    cause: { name: 'AbortError' },
  })
  t.is(resultOf(t, await early.end), 'half of it')
})

test.serial('to stop ends a thread that does not heed it, and interrupts its task', async (t) => {
  const subject = new Subject(t, { minThreads: 2, maxThreads: 2 })
  const busy = await subject.waiting('busy')
  const deaf = await subject.waiting('deaf')
  await subject.pool.stop()
  t.is(failureOf(t, await busy.end, 'interrupted').code, 'AFTERWORK_STOPPING')
  t.is(failureOf(t, await deaf.end, 'interrupted').code, 'AFTERWORK_STOPPING')
})

test.serial('to stop interrupts what no thread has begun yet', async (t) => {
  const { pool, run } = bound(new Subject(t, { minThreads: 0 }))
  const end = run('wait60')
  await pool.stop()
  t.is(failureOf(t, await end, 'interrupted').code, 'AFTERWORK_STOPPING')
})

test.serial('what comes after stop() is interrupted at once, and starts no thread', async (t) => {
  const { pool, run } = bound(new Subject(t))
  await pool.stop()
  const end = await run('add', [1, 2])
  t.is(failureOf(t, end, 'interrupted').code, 'AFTERWORK_STOPPING')
  t.is(end.thread, null)
  t.is(pool.free, 1)
})

function bound(subject: Subject) {
  const { pool, steps, lines, errors } = subject
  return { pool, steps, lines, errors, run: subject.run.bind(subject) }
}
