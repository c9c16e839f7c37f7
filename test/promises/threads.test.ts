import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { Afterwork, Duration } from 'afterwork'
import test, { type ExecutionContext } from 'ava'
import { quick, startAfterwork, startApp } from '../support/app.ts'
import type { EventLog } from '../support/events.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { tasks } from './tasks.ts'

const { deaf, echo, exit, fillHeap, pass, passAgain, throwLate } = tasks.lives

/** Soon outgrown. */
const small = { memory: '64MB' } as const

/** One thread for three tasks at a time: two neighbours run on it, one of which may start only once. */
async function neighbours(t: ExecutionContext) {
  const gate = await startGate(t)
  const cpu = { minThreads: 1, maxThreads: 1, concurrency: 3, nice: 0 }
  const { afterwork, events } = await startAfterwork(t, { tasks, pools: { ...quick.pools, cpu } })
  const kept = await afterwork.addTask(passAgain.with(small), gate.url('kept'))
  const atMostOnce = await afterwork.addTask(
    pass.with({ ...small, delivery: 'at-most-once' }),
    gate.url('once'),
  )
  await Promise.all([gate.arrival('kept1'), gate.arrival('once')])
  return { afterwork, events, gate, kept: kept.id, atMostOnce: atMostOnce.id }
}

const culprits: [
  how: string,
  code: string,
  end: (afterwork: Afterwork, events: EventLog) => Promise<string>,
][] = [
  [
    'by process.exit()',
    'AFTERWORK_WORKER_EXITED',
    async (afterwork) => (await afterwork.addTask(exit, 7)).id,
  ],
  [
    'by an exception that nothing caught',
    'AFTERWORK_THREW_LATE',
    async (afterwork) => (await afterwork.addTask(throwLate)).id,
  ],
  [
    'by its timeout',
    'AFTERWORK_TIMED_OUT',
    async (afterwork) => (await afterwork.addTask(deaf.with({ timeout: 1 }))).id,
  ],
  [
    'by being cancelled',
    'AFTERWORK_CANCELLED',
    async (afterwork, events) => {
      const { id } = await afterwork.addTask(deaf)
      await events.until('task.log', (event) => event.id === id)
      await afterwork.cancel(id)
      return id
    },
  ],
]

for (const [how, code, end] of culprits) {
  test(`a thread that ends: ${how} it costs only the task that caused it`, async (t) => {
    const { afterwork, events, gate, kept, atMostOnce } = await neighbours(t)
    const id = await end(afterwork, events)
    await events.until('task.interrupted', (event) => event.id === kept)
    t.is(await events.ended(atMostOnce), 'failed')
    t.is((await afterwork.records.get(atMostOnce))?.error?.code, 'AFTERWORK_INTERRUPTED')
    await events.until('task.started', (event) => event.id === kept && event.attempt === 2)
    await gate.pass('kept2')
    t.is(await events.ended(kept), 'succeeded')
    t.is((await afterwork.records.get(id))?.error?.code, code)
    t.is(await events.ended((await afterwork.addTask(echo)).id), 'succeeded')
  })
}

test('a thread that ends: where the culprit is unknown, they run again one at a time', async (t) => {
  const { afterwork, events, gate, kept } = await neighbours(t)
  const { id } = await afterwork.addTask(fillHeap.with(small))
  await events.until('task.interrupted', (event) => event.id === id)
  await gate.pass('kept2')
  t.is(await events.ended(kept), 'succeeded')
  t.is((await afterwork.records.get(kept))?.attempt, 2)
  t.is(await events.ended(id), 'failed')
  t.is((await afterwork.records.get(id))?.error?.code, 'AFTERWORK_OUT_OF_MEMORY')
})

/** Begins a request of which the handler has seen the head, and ends it when told to. */
async function slowRequest(url: string): Promise<() => Promise<IncomingMessage>> {
  const outgoing = request(url, { method: 'POST', agent: false, headers: { Expect: '100-continue' } })
  outgoing.flushHeaders()
  await once(outgoing, 'continue')
  return async () => {
    outgoing.end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    return incoming.resume()
  }
}

async function stopping(t: ExecutionContext, drain: Duration, gate: Gate) {
  const cpu = { minThreads: 1, maxThreads: 1, nice: 0 }
  const app = await startApp(
    t,
    (koa) =>
      koa.use(async (ctx) => {
        for await (const _chunk of ctx.req);
        ctx.body = ctx.background.addTask(echo).id
      }),
    { tasks, drain, pools: { ...quick.pools, cpu } },
  )
  const running = await app.afterwork.addTask(pass, gate.url('running'))
  const waiting = await app.afterwork.addTask(echo)
  await gate.arrival('running')
  return { ...app, running: running.id, waiting: waiting.id }
}

test('stop: no new requests; running tasks get their grace; the rest stays queued', async (t) => {
  const gate = await startGate(t)
  const { url, server, afterwork, events, running, waiting } = await stopping(t, '1m', gate)
  const finish = await slowRequest(url)
  server.close()
  await t.throwsAsync(send(url), { code: 'ECONNREFUSED' })
  const answer = await finish()
  t.is(answer.statusCode, 200)
  await once(answer, 'end')
  const stopped = afterwork.stop()
  await gate.pass('running')
  await stopped
  t.is(await events.ended(running), 'succeeded')
  t.deepEqual(events.life(waiting), ['task.added'])
  t.is((await events.until('afterwork.stopped')).left, 2)
})

test('stop: what runs longer than its grace is interrupted, charged nothing, and stays queued too', async (t) => {
  const gate = await startGate(t)
  const { url, afterwork, events, running } = await stopping(t, '1ms', gate)
  await afterwork.stop()
  t.deepEqual(events.life(running), ['task.added', 'task.started', 'task.interrupted'])
  t.is((await events.until('afterwork.stopped')).left, 2)
  const late = await send(url, { method: 'POST', body: '' })
  t.deepEqual([late.status, late.headers['retry-after']], [503, '1'])
  t.like(late.json, { code: 'AFTERWORK_STOPPED' })
})
