import type { Afterwork, TaskRecord } from 'afterwork'
import test from 'ava'
import type { Context } from 'koa'
import { listen, quick, startAfterwork } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { tasks } from './tasks.ts'

const endings = new Endings()
let afterwork: Afterwork
let events: EventLog
let gate: Gate
/** Room for all that waits at gates in the tests of this file at the same time. */
const pools = { ...quick.pools, cpu: { minThreads: 1, maxThreads: 2, concurrency: 10, nice: 0 } }
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings, { tasks, pools }))
  gate = await startGate(endings)
})
test.after.always(() => endings.run())

const { echo, fail, failUntil, pass } = tasks.lives

/** The ids of what one request adds. */
async function request(t: Parameters<typeof listen>[0], add: (ctx: Context) => { id: string }[]) {
  let ids: string[] = []
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      ids = add(ctx).map(({ id }) => id)
      ctx.status = 202
    }),
  )
  await send(url)
  return ids
}

const record = async (id: string) => (await afterwork.records.get(id)) as TaskRecord

/** These tasks in the order of their starts, each as often as it started. */
function starts(ids: readonly string[]): string[] {
  const all = events.of('task.started').map(({ id }) => id)
  return all.filter((id) => ids.includes(id))
}

/** Resolves when this task is cancelled. */
function cancelled(wanted: (id: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    afterwork.on('task.cancelled', ({ id }) => {
      if (wanted(id)) resolve()
    })
  })
}

test('order: the next task starts when the one before has ended, its delay and its retries included', async (t) => {
  const ids = await request(t, ({ background }) => [
    background.addTask(echo.with({ delay: 20 }), 1),
    background.addTask(failUntil.with({ retries: 1, backoff: { first: 1 } }), 2),
    background.addLocal(() => {}),
    background.addTask(fail, 'no'),
    background.addTask(echo, 5),
  ])
  const [delayed, retried, local, failing, last] = ids as [string, string, string, string, string]
  await events.ended(last)
  t.deepEqual(starts(ids), [delayed, retried, retried, local, failing, last])
  const ends = ids.map((id) => events.seen.findIndex(isEndOf(id)))
  for (const [index, id] of ids.slice(1).entries()) {
    const start = events.seen.findIndex((event) => event.event === 'task.started' && event.id === id)
    t.true(ends[index]! < start)
  }
})

function isEndOf(id: string) {
  return (event: (typeof events.seen)[number]) =>
    (event.event === 'task.succeeded' || event.event === 'task.failed') && event.id === id
}

test('order: a failed task stops those after it that say onlyAfterSuccess, and no other', async (t) => {
  const ids: string[] = []
  const over = cancelled((id) => id === ids[1])
  ids.push(
    ...(await request(t, ({ background }) => [
      background.addTask(pass, gate.url('first')),
      background.addTask(echo.with({ onlyAfterSuccess: true }), 'not after a failure'),
      background.addTask(echo, 'all the same'),
    ])),
  )
  await gate.arrival('first')
  await afterwork.cancel(ids[0]!)
  await over
  t.is(await events.ended(ids[2]!), 'succeeded')
  t.is((await record(ids[1]!)).error?.code, 'AFTERWORK_PREDECESSOR_FAILED')
})

test('order: an unordered task leaves the group, and nobody waits for it', async (t) => {
  const ids = await request(t, ({ background }) => [
    background.addTask(pass.with({ ordered: false }), gate.url('unordered')),
    background.addTask(pass, gate.url('ordered')),
    background.addTask(echo, 'last'),
  ])
  await gate.arrival('unordered')
  await gate.pass('ordered')
  t.is(await events.ended(ids[2]!), 'succeeded')
  t.is((await record(ids[0]!)).state, 'running')
  await gate.pass('unordered')
  await events.ended(ids[0]!)
})

test('order: where unique gave the live task, its group waits for that one', async (t) => {
  const unique = pass.with({ unique: 'report' })
  const living = await afterwork.addTask(unique, gate.url('unique'))
  await gate.arrival('unique')
  const ids = await request(t, ({ background }) => [
    background.addTask(unique, gate.url('unique')),
    background.addTask(echo, 'after it'),
  ])
  t.is((await record(ids[0]!)).id, living.id)
  await events.until('task.released', ({ id }) => id === ids[1])
  await events.ended((await afterwork.addTask(echo)).id)
  t.deepEqual(starts([ids[1]!]), [])
  await gate.pass('unique')
  t.is(await events.ended(ids[1]!), 'succeeded')
})

test('order: priority compares the heads of groups', async (t) => {
  await afterwork.pausePool('mail')
  const mail = { pool: 'mail' }
  const later = await request(t, ({ background }) => [
    background.addTask(echo.with(mail), 'a head without priority'),
    background.addTask(echo.with({ ...mail, priority: 9 }), 'behind it'),
  ])
  const sooner = await afterwork.addTask(echo.with({ ...mail, priority: 1 }), 'a head with some')
  await afterwork.resumePool('mail')
  await events.ended(later[1]!)
  t.deepEqual(starts([...later, sooner.id]), [sooner.id, ...later])
})

test('order: a retry by hand waits for nobody', async (t) => {
  const ids = await request(t, ({ background }) => [
    background.addTask(failUntil, 2),
    background.addTask(pass, gate.url('the rest')),
  ])
  await gate.arrival('the rest')
  await afterwork.retry(ids[0]!)
  await events.until('task.succeeded', ({ id }) => id === ids[0])
  t.is((await record(ids[1]!)).state, 'running')
  await gate.pass('the rest')
  await events.ended(ids[1]!)
})

test('ended: succeeded, failed for good or cancelled; before that queued, scheduled or running', async (t) => {
  const state = async (id: string) => {
    const { state: now, attempt, endedAt } = await record(id)
    return [now, attempt, endedAt !== null] as const
  }
  const retried = failUntil.with({ retries: 1, backoff: { first: '1h' } })
  const [running, behind, delayed, waiting] = await request(t, ({ background }) => [
    background.addTask(pass, gate.url('states')),
    background.addTask(echo),
    background.addTask(echo.with({ ordered: false, delay: '1h' })),
    background.addTask(retried.with({ ordered: false }), 9),
  ])
  await gate.arrival('states')
  await events.until('task.retried', ({ id }) => id === waiting)
  t.deepEqual(await state(running!), ['running', 1, false])
  t.deepEqual(await state(behind!), ['queued', 0, false])
  t.deepEqual(await state(delayed!), ['scheduled', 0, false])
  t.deepEqual(await state(waiting!), ['scheduled', 1, false])
  await gate.pass('states')
  await events.ended(behind!)
  await afterwork.cancel(delayed!)
  t.deepEqual(await state(running!), ['succeeded', 1, true])
  t.deepEqual(await state(delayed!), ['cancelled', 0, true])
  const { id: failed } = await afterwork.addTask(fail, 'for good')
  await events.ended(failed)
  t.deepEqual(await state(failed), ['failed', 1, true])
})

test('ended: a held task is queued, a dropped one has no record', async (t) => {
  const seen: unknown[] = []
  const { url } = await listen(t, afterwork, (app) =>
    app.use(async (ctx) => {
      const held = ctx.background.addTask(echo)
      await ctx.background.commit()
      seen.push((await record(held.id)).state)
      const dropped = ctx.background.addTask(echo)
      ctx.res.once('close', () => seen.push(afterwork.records.get(dropped.id)))
      ctx.status = 400
    }),
  )
  await send(url)
  await events.until('task.dropped')
  t.deepEqual(await Promise.all(seen), ['queued', undefined])
})
