import test from 'ava'
import { start } from './app.ts'
import { tasks } from './tasks.ts'

const { life, stages } = tasks
const oneThread = { pools: { cpu: { minThreads: 1, maxThreads: 1, nice: 0 } } }

test.serial('a queued task is cancelled at once, and never runs', async (t) => {
  const app = await start(t, oneThread)
  const running = await app.afterwork.addTask(stages.heeding)
  await app.waits(running)
  const queued = await app.afterwork.addTask(life.note, 'never')
  const record = await app.afterwork.cancel(queued.id)
  t.like(record, {
    state: 'cancelled',
    attempt: 0,
    startedAt: null,
    error: { code: 'AFTERWORK_CANCELLED', message: 'life.note was cancelled before it ran' },
  })
  t.like(await app.until('task.cancelled'), { id: queued.id, attempt: 0 })
  await app.afterwork.cancel(running.id)
  t.is((await app.ended(running)).state, 'cancelled')
  t.is((await app.ended(await app.afterwork.addTask(life.note, 'next'))).state, 'succeeded')
  t.false(app.of('task.started').some(({ id }) => id === queued.id))
})

test.serial('a task that waits for its time or for a retry is cancelled at once', async (t) => {
  const app = await start(t)
  const delayed = await app.afterwork.addTask(life.note.with({ delay: '1h' }), 'never')
  const failing = await app.afterwork.addTask(life.decline.with({ retries: 1, backoff: { first: '1h' } }))
  await app.until('task.retried', ({ id }) => id === failing.id)
  t.like(await app.afterwork.cancel(delayed.id), { state: 'cancelled', attempt: 0 })
  t.like(await app.afterwork.cancel(failing.id), { state: 'cancelled', attempt: 1 })
})

test.serial('a running task that heeds its signal ends at once; it is not retried', async (t) => {
  const app = await start(t, oneThread)
  const task = await app.afterwork.addTask(stages.heeding.with({ retries: 3 }))
  await app.waits(task)
  t.is((await app.afterwork.cancel(task.id)).state, 'running')
  const record = await app.ended(task)
  t.like(record, { state: 'cancelled', attempt: 1, error: { code: 'AFTERWORK_CANCELLED' } })
})

for (const name of ['deaf', 'busy'] as const) {
  test.serial(`a running task that is ${name} loses its thread, and its neighbours run again`, async (t) => {
    const app = await start(t)
    const { afterwork } = app
    const neighbour = await afterwork.addTask(tasks.deaths.neighbour.with({ pool: 'mail' }))
    await app.waits(neighbour)
    const task = await afterwork.addTask(stages[name].with({ pool: 'mail', retries: 3 }))
    await app.waits(task)
    await afterwork.cancel(task.id)
    t.like(await app.ended(task), {
      state: 'cancelled',
      attempt: 1,
      error: { code: 'AFTERWORK_CANCELLED', message: `stages.${name} was cancelled` },
    })
    t.like(await app.ended(neighbour), { state: 'succeeded', attempt: 2 })
  })
}

test.serial('a task that finishes though it was cancelled has succeeded', async (t) => {
  const app = await start(t)
  const task = await app.afterwork.addTask(life.report)
  await app.waits(task)
  await app.afterwork.cancel(task.id)
  t.is((await app.ended(task)).state, 'succeeded')
})

test.serial('what has ended cannot be cancelled, and what was cancelled can be retried', async (t) => {
  const app = await start(t)
  const { afterwork } = app
  const task = await afterwork.addTask(life.note.with({ delay: '1h' }), 'after all')
  await afterwork.cancel(task.id)
  await t.throwsAsync(afterwork.cancel(task.id), { code: 'AFTERWORK_CONFLICT' })
  await t.throwsAsync(afterwork.cancel('no such task'), { code: 'AFTERWORK_TASK_NOT_FOUND' })
  await afterwork.retry(task.id)
  await app.until('task.succeeded', ({ id }) => id === task.id)
  t.like(await afterwork.records.get(task.id), { state: 'succeeded', attempt: 1 })
})
