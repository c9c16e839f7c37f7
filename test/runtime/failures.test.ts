import test from 'ava'
import { toError } from 'afterwork'
import { start } from './app.ts'
import { tasks } from './tasks.ts'

const { life, stages } = tasks

test.serial('an error is kept whole: class, code, stack, cause and fields of its own', async (t) => {
  const { afterwork, ended } = bound(await start(t))
  const { error } = await ended(await afterwork.addTask(life.decline))
  t.like(error, {
    name: 'PaymentError',
    message: 'no money',
    code: 'CARD_DECLINED',
    fields: { responseCode: 402, retryable: false },
    cause: { name: 'RangeError', message: 'too far', fields: { limit: 5 } },
  })
  t.regex(error!.stack!, /life\.ts:\d+/)
  t.like(toError(error!), {
    name: 'PaymentError',
    code: 'CARD_DECLINED',
    responseCode: 402,
    retryable: false,
  })
})

test.serial('a TaskError with retry false is final, whatever retries say', async (t) => {
  const app = await start(t)
  const failed = new Promise((resolve) => app.afterwork.onFailed(resolve))
  const record = await app.ended(await app.afterwork.addTask(life.giveUp.with({ retries: 5 })))
  t.like(record, { state: 'failed', attempt: 1, error: { name: 'TaskError', code: 'NO_SUCH_ADDRESS' } })
  t.deepEqual(await failed, record)
})

test.serial(
  'a TaskError with a duration is tried again after that long, as often as retries allow',
  async (t) => {
    const app = await start(t)
    const patient = await app.afterwork.addTask(life.impatient.with({ backoff: { first: '1h' } }))
    t.like(await app.ended(patient), { state: 'succeeded', attempt: 3, error: null })
    const retried = app.of('task.retried')
    t.deepEqual(
      retried.map(({ attempt, at, runAt }) => [attempt, runAt - at]),
      [
        [1, 50],
        [2, 50],
      ],
    )
    const once = await app.afterwork.addTask(life.impatient.with({ retries: 1, backoff: { first: '1h' } }))
    t.like(await app.ended(once), { state: 'failed', attempt: 2, error: { message: 'try again soon' } })
  },
)

test.serial(
  'onFailed is told of what failed for good, not of retries, successes or cancelled tasks',
  async (t) => {
    const app = await start(t)
    const told: string[] = []
    app.afterwork.onFailed((task) => told.push(`${task.name} ${task.attempt} ${task.error?.message}`))
    const cancelled = await app.afterwork.addTask(life.note.with({ delay: '1h' }), 'never')
    await app.afterwork.cancel(cancelled.id)
    await app.ended(await app.afterwork.addTask(life.note, 'well'))
    await app.ended(await app.afterwork.addTask(life.impatient))
    const quick = { retries: 1, backoff: { first: 1 } }
    await app.ended(await app.afterwork.addTask(life.decline.with(quick)))
    await app.ended(await app.afterwork.addTask(life.note, 'and the rest'))
    t.deepEqual(told, ['life.decline 2 no money'])
  },
)

test.serial('a listener of onFailed that throws is reported and harms nobody', async (t) => {
  const app = await start(t)
  app.afterwork.onFailed(() => Promise.reject(new RangeError('the pager is broken')))
  await app.ended(await app.afterwork.addTask(life.decline))
  t.like(await app.until('afterwork.error'), { error: { message: 'the pager is broken' } })
  t.is((await app.ended(await app.afterwork.addTask(life.note, 'still here'))).state, 'succeeded')
})

test.serial(
  'pausePool stops the pool of the task, and nothing else, until somebody resumes it',
  async (t) => {
    const app = await start(t, {
      pools: { cpu: { maxThreads: 1, nice: 0 }, mail: { concurrency: 1, nice: 0 } },
    })
    const { addTask } = app.afterwork
    const refused = await addTask(life.refuseAll.with({ pool: 'mail', retries: 1 }))
    const waiting = await addTask(life.note.with({ pool: 'mail' }), 'waits')
    t.like(await app.until('pool.paused'), { pool: 'mail', reason: 'wrong password' })
    t.true(app.afterwork.pools().find(({ name }) => name === 'mail')!.paused)
    t.is((await app.ended(await addTask(life.note, 'in another pool'))).state, 'succeeded')
    t.is((await app.afterwork.records.get(waiting.id))!.attempt, 0)
    await app.afterwork.resumePool('mail')
    t.is((await app.ended(waiting)).state, 'succeeded')
    t.like(await app.ended(refused), { state: 'succeeded', attempt: 2 })
  },
)

test.serial(
  'an attempt that pauses its pool uses up no retry, and runs again when the pool is resumed',
  async (t) => {
    const app = await start(t, { pools: { mail: { concurrency: 3, nice: 0 } } })
    const { addTask } = app.afterwork
    const added = [1, 2, 3].map(() => addTask(life.notYet.with({ pool: 'mail' })))
    for (const { id } of await Promise.all(added)) {
      await app.until('task.interrupted', (event) => event.id === id)
      t.like(await app.afterwork.records.get(id), { state: 'queued', attempt: 1, error: { code: 'NOT_YET' } })
    }
    t.is(app.of('pool.paused').length, 1, 'it is told once')
    t.like(app.of('pool.paused')[0], { pool: 'mail', reason: 'not yet', failure: { code: 'NOT_YET' } })
    await app.afterwork.resumePool('mail')
    for (const task of await Promise.all(added)) {
      t.like(await app.ended(task), { state: 'succeeded', attempt: 2, error: null })
    }
    t.deepEqual(app.of('task.retried'), [])
  },
)

test.serial('a timeout counts from the start of the attempt, not from when it was added', async (t) => {
  const app = await start(t, { pools: { cpu: { minThreads: 1, maxThreads: 1, nice: 0 } } })
  const { addTask } = app.afterwork
  await addTask(stages.work, 500)
  const record = await app.ended(await addTask(stages.work.with({ timeout: 200 }), 1))
  t.like(record, { state: 'succeeded', attempt: 1 })
  t.true(record.startedAt! - record.addedAt > 200)
})

test.serial('a timeout is a failure like any other: it is retried', async (t) => {
  const app = await start(t)
  const options = { timeout: 30, retries: 1, backoff: { first: 1 } }
  const record = await app.ended(await app.afterwork.addTask(stages.heeding.with(options)))
  t.like(record, { state: 'failed', attempt: 2, error: { code: 'AFTERWORK_TIMED_OUT' } })
})

function bound(app: Awaited<ReturnType<typeof start>>) {
  return { afterwork: app.afterwork, ended: app.ended.bind(app) }
}
