import test from 'ava'
import { decodeArguments } from '../../src/core/value.ts'
import { resultOf, start, type App } from './app.ts'
import { tasks } from './tasks.ts'

const { life, deaths } = tasks

for (const [how, state, attempt] of [
  ['well', 'succeeded', 1],
  ['badly', 'failed', 2],
  ['well in the end', 'succeeded', 2],
] as const) {
  test.serial(`the follow-ups of a task that ended ${how} are those of its last attempt, once`, async (t) => {
    const app = await start(t)
    const options = { retries: 1, backoff: { first: 1 } }
    const task = await app.afterwork.addTask(life.follow.with(options), how)
    const ended = await app.ended(task)
    t.like(ended, { state, attempt })
    t.deepEqual(await notes(app, 2), [`first of attempt ${attempt}`, `second of attempt ${attempt}`])
    const added = app.of('task.added').filter(({ name }) => name === 'life.note')
    t.is(added.length, 2)
    const records = await Promise.all(added.map(({ id }) => app.afterwork.records.get(id)))
    t.is(new Set([ended.group, ...records.map((record) => record!.group)]).size, 2)
    t.is(records[0]!.group, records[1]!.group)
    t.true(records.every((record) => record!.addedAt >= ended.endedAt!))
  })
}

test.serial('a task that was interrupted adds its follow-ups when it has run again', async (t) => {
  const app = await start(t)
  const task = await app.afterwork.addTask(life.followAndHold.with({ pool: 'mail' }))
  await app.waits(task)
  await app.afterwork.addTask(deaths.exit.with({ pool: 'mail' }))
  t.like(await app.ended(task), { state: 'succeeded', attempt: 2 })
  t.deepEqual(await notes(app, 1), ['of attempt 2'])
})

test.serial(
  'a task that timed out in good order keeps its follow-ups, a cancelled one does not',
  async (t) => {
    const app = await start(t)
    const cancelled = await app.afterwork.addTask(life.follow, 'never')
    await app.waits(cancelled)
    await app.afterwork.cancel(cancelled.id)
    t.is((await app.ended(cancelled)).state, 'cancelled')
    const late = await app.ended(await app.afterwork.addTask(life.follow.with({ timeout: 200 }), 'never'))
    t.like(late, { state: 'failed', error: { code: 'AFTERWORK_TIMED_OUT' } })
    await notes(app, 2)
    t.is(app.of('task.added').filter(({ name }) => name === 'life.note').length, 2)
  },
)

test.serial('onEnded gets the record of a task that succeeded', async (t) => {
  const app = await start(t)
  const task = await app.afterwork.addTask(life.note.with({ onEnded: life.remember }), 'hello')
  const record = await app.ended(task)
  t.deepEqual(await remembered(app), {
    id: task.id,
    name: 'life.note',
    state: 'succeeded',
    attempt: 1,
    args: ['hello'],
    result: 'hello',
    error: null,
    addedAt: new Date(record.addedAt),
    startedAt: new Date(record.startedAt!),
    endedAt: new Date(record.endedAt!),
  })
})

test.serial('onEnded gets the record of a task that failed for good, once', async (t) => {
  const app = await start(t)
  const options = { onEnded: life.remember.with({ priority: 3 }), retries: 1, backoff: { first: 1 } }
  const task = await app.afterwork.addTask(life.decline.with(options))
  await app.ended(task)
  t.like(await remembered(app), {
    id: task.id,
    state: 'failed',
    attempt: 2,
    result: null,
    error: { name: 'PaymentError', code: 'CARD_DECLINED' },
  })
  t.is(app.of('task.added').filter(({ name }) => name === 'life.remember').length, 1)
  t.is((await app.afterwork.records.list({ name: 'life.remember', limit: 9 }))[0]!.priority, 3)
})

test.serial('onEnded gets the record of a task whose thread was lost', async (t) => {
  const app = await start(t)
  const task = await app.afterwork.addTask(deaths.exit.with({ onEnded: life.remember }), 4)
  await app.ended(task)
  t.like(await remembered(app), { state: 'failed', args: [4], error: { code: 'AFTERWORK_WORKER_EXITED' } })
})

for (const running of [false, true]) {
  test.serial(
    `onEnded gets the record of a task that was cancelled ${running ? 'as it ran' : 'in the queue'}`,
    async (t) => {
      const app = await start(t)
      const options = { onEnded: life.remember, ...(running ? {} : { delay: '1h' as const }) }
      const task = await app.afterwork.addTask(life.follow.with(options), 'never')
      if (running) await app.waits(task)
      await app.afterwork.cancel(task.id)
      t.like(await remembered(app), {
        id: task.id,
        state: 'cancelled',
        attempt: running ? 1 : 0,
        error: { code: 'AFTERWORK_CANCELLED' },
      })
    },
  )
}

/** What the notes said that have succeeded, once there are so many. */
async function notes(app: App, count: number): Promise<unknown[]> {
  const ended = () => app.of('task.succeeded').filter(({ name }) => name === 'life.note')
  await app.until('task.succeeded', () => ended().length >= count)
  const records = await Promise.all(ended().map(({ id }) => app.afterwork.records.get(id)))
  return records.map((record) => decodeArguments(record!.args)[0])
}

/** What the task `life.remember` was given. */
async function remembered(app: App): Promise<any> {
  const { id } = await app.until('task.succeeded', ({ name }) => name === 'life.remember')
  return resultOf((await app.afterwork.records.get(id))!)
}
