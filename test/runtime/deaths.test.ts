import test, { type ExecutionContext } from 'ava'
import type { CallOptions, Task } from 'afterwork'
import { resultOf, start, type App } from './app.ts'
import { tasks } from './tasks.ts'

const { deaths } = tasks

/** Tasks that take their thread with them, and the code with which they fail. */
const dying: [
  name: string,
  with_: (options: CallOptions) => Task<() => unknown>,
  CallOptions,
  code: string,
][] = [
  ['exits', (options) => deaths.exit.with(options), {}, 'AFTERWORK_WORKER_EXITED'],
  ['throws late', (options) => deaths.throwLate.with(options), {}, 'AFTERWORK_THREW_LATE'],
  ['rejects late', (options) => deaths.rejectLate.with(options), {}, 'AFTERWORK_THREW_LATE'],
  ['loops for ever', (options) => deaths.loop.with(options), { timeout: 100 }, 'AFTERWORK_TIMED_OUT'],
  ['fills its memory', (options) => deaths.fillWithBuffers.with(options), { memory: '96MB' }, oom()],
]

for (const [what, with_, options, code] of dying) {
  test.serial(`a task that ${what} fails, and the pool goes on`, async (t) => {
    const app = await start(t)
    t.like(await app.ended(await app.afterwork.addTask(with_(options))), {
      state: 'failed',
      attempt: 1,
      error: { code },
    })
    t.is((await app.ended(await app.afterwork.addTask(deaths.goOff))).state, 'succeeded')
    t.deepEqual(app.of('task.interrupted'), [])
  })
}

for (const [what, with_, options, code] of dying.filter(([, , { memory }]) => memory === undefined)) {
  test.serial(`nine tasks beside one that ${what} are run again, uncharged`, async (t) => {
    const app = await start(t)
    const neighbours = await addNeighbours(app, 9)
    const dead = await app.ended(await app.afterwork.addTask(with_({ ...options, pool: 'mail' })))
    t.like(dead, { state: 'failed', attempt: 1, error: { code } })
    await succeeded(t, app, neighbours)
    t.is(app.of('task.interrupted').length, 9)
    t.deepEqual(app.of('task.retried'), [])
  })
}

test.serial('those beside one that fills its memory run again alone, and only that one fails', async (t) => {
  const app = await start(t)
  const neighbours = await addNeighbours(app, 3, { memory: '96MB' })
  const dead = await app.ended(
    await app.afterwork.addTask(deaths.fillWithBuffers.with({ pool: 'mail', memory: '96MB' })),
  )
  t.like(dead, { state: 'failed', attempt: 2, error: { code: 'AFTERWORK_OUT_OF_MEMORY' } })
  await succeeded(t, app, neighbours)
})

test.serial('where nobody knows the culprit all run again alone, and the innocent succeed', async (t) => {
  const app = await start(t)
  const neighbours = await addNeighbours(app, 3)
  const guilty = await app.afterwork.addTask(deaths.guiltyFromNowhere.with({ pool: 'mail' }))
  await app.waits(guilty)
  const spark = await app.afterwork.addTask(deaths.throwFromNowhere.with({ pool: 'mail' }))
  for (const task of [guilty, spark])
    t.like(await app.ended(task), { state: 'failed', error: { code: 'AFTERWORK_THREW_LATE' } })
  const threads = await succeeded(t, app, neighbours)
  t.is(new Set(threads).size, 3)
})

test.serial('an interrupted task keeps all its retries', async (t) => {
  const app = await start(t)
  const options = { pool: 'mail', retries: 2, backoff: { first: 1, jitter: 0 } }
  const lucky = await app.afterwork.addTask(deaths.unlucky.with(options), 2)
  const unlucky = await app.afterwork.addTask(deaths.unlucky.with(options), 3)
  await app.waits(lucky)
  await app.waits(unlucky)
  await app.afterwork.addTask(deaths.exit.with({ pool: 'mail' }))
  t.like(await app.ended(lucky), { state: 'succeeded', attempt: 4 })
  t.like(await app.ended(unlucky), { state: 'failed', attempt: 4, error: { message: 'failure 3' } })
})

test.serial('an at-most-once neighbour fails, and is not run again', async (t) => {
  const app = await start(t)
  const once = { pool: 'mail', delivery: 'at-most-once', retries: 3 } as const
  const neighbour = await app.afterwork.addTask(deaths.neighbour.with(once))
  const other = await app.afterwork.addTask(deaths.neighbour.with({ pool: 'mail' }))
  await app.waits(neighbour)
  await app.waits(other)
  await app.afterwork.addTask(deaths.exit.with({ pool: 'mail' }))
  t.like(await app.ended(neighbour), {
    state: 'failed',
    attempt: 1,
    error: {
      code: 'AFTERWORK_INTERRUPTED',
      cause: { code: 'AFTERWORK_WORKER_EXITED', message: 'Its thread was ended by another task' },
    },
  })
  t.like(await app.ended(other), { state: 'succeeded', attempt: 2 })
})

test.serial('an at-most-once task that had not begun runs', async (t) => {
  const app = await start(t)
  const busy = await app.afterwork.addTask(deaths.loop.with({ pool: 'mail', timeout: 200 }))
  await app.until('task.started', ({ id }) => id === busy.id)
  const once = await app.afterwork.addTask(deaths.goOff.with({ pool: 'mail', delivery: 'at-most-once' }))
  t.is((await app.ended(busy)).state, 'failed')
  t.is((await app.ended(once)).state, 'succeeded')
})

test.serial('a stray exception of an ended task costs nobody, and is told as an error', async (t) => {
  const app = await start(t)
  const neighbour = await app.afterwork.addTask(deaths.neighbour.with({ pool: 'mail' }))
  await app.waits(neighbour)
  await app.ended(await app.afterwork.addTask(deaths.leave.with({ pool: 'mail' }), 'exception'))
  const trigger = await app.ended(await app.afterwork.addTask(deaths.goOff.with({ pool: 'mail' })))
  t.is(trigger.state, 'succeeded')
  const { error } = await app.until('afterwork.error')
  t.like(error, { code: 'AFTERWORK_THREW_LATE' })
  t.is((await app.afterwork.records.get(neighbour.id))!.state, 'running')
  t.deepEqual(app.of('task.interrupted'), [])
})

function oom(): string {
  return 'AFTERWORK_OUT_OF_MEMORY'
}

async function addNeighbours(app: App, count: number, options: CallOptions = {}): Promise<{ id: string }[]> {
  const neighbours = []
  for (let i = 0; i < count; i++) {
    const task = await app.afterwork.addTask(deaths.neighbour.with({ pool: 'mail', ...options }))
    await app.waits(task)
    neighbours.push(task)
  }
  return neighbours
}

/** They were run a second time, without any retry of theirs; gives the threads on which they were. */
async function succeeded(t: ExecutionContext, app: App, neighbours: { id: string }[]): Promise<number[]> {
  const threads = []
  for (const neighbour of neighbours) {
    const record = await app.ended(neighbour)
    t.like(record, { state: 'succeeded', attempt: 2, error: null })
    threads.push(resultOf(record).threadId)
  }
  return threads
}
