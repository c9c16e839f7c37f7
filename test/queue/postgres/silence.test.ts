import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { startGate } from '../../support/gate.ts'
import { startProxy } from '../../support/proxy.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { startProcess } from './process.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

test('postgres: a database that answers late keeps nobody from his lease', async (t) => {
  t.timeout(170_000)
  const url = await databases.create(t)
  const [proxy, gate] = [await startProxy(t, url), await startGate(t)]
  const late = await startProcess(t, proxy.through(url), {})
  const other = await startProcess(t, url)
  proxy.delay(200)
  await other.ask({ what: 'pause', pool: 'cpu' })
  await late.untilPaused('cpu', true)
  const answer = await late.request({
    add: [{ name: 'passAgain', args: [gate.url('door')], options: { pool: 'mail' } }],
  })
  t.is(answer.status, 202)
  const [id] = answer.json.ids
  await gate.arrival('door1')
  await wait(12_000)
  t.like(await other.get(id), { state: 'running', attempt: 1 })
  await gate.pass('door1')
  t.like(await other.untilRecord(id, ({ state }) => state === 'succeeded'), { attempt: 1 })
  t.deepEqual(late.errors(), [])
})

test('postgres: while a database does not answer at all tasks are refused in time, and nothing of them stays', async (t) => {
  t.timeout(170_000)
  const url = await databases.create(t)
  const proxy = await startProxy(t, url)
  const one = await startProcess(t, proxy.through(url), { commitTimeout: '2s' })
  const before = await one.add('echo', ['before'])
  await one.of('task.succeeded', before)
  proxy.stall()
  const add = [{ name: 'echo' as const, args: ['stalled'] }]
  const answers = await Promise.all([one.request({ add }), one.request({ add: [...add, ...add] })])
  for (const answer of answers) {
    t.is(answer.status, 503)
    t.is(answer.headers['retry-after'], '1')
    t.is(answer.json.code, 'AFTERWORK_QUEUE_TIMEOUT')
  }
  // Its loop is free: what needs no database is answered at once.
  t.is((await one.ask<unknown[]>({ what: 'pools' })).length, 2)
  await wait(18_000)
  proxy.letThrough()
  const after = await one.addAgain('echo', ['after'])
  await one.of('task.succeeded', after)
  await one.untilCounters(({ queued, succeeded }) => queued === 0 && succeeded === 2)
  t.deepEqual(one.errors(), [...new Set(one.errors())])
})

test('postgres: without LISTEN tasks, cancels and pauses are found by looking', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const [proxy, gate] = [await startProxy(t, url), await startGate(t)]
  const deaf = (name: string): boolean => name === 'afterwork listen'
  proxy.refuse(deaf)
  const one = await startProcess(t, proxy.through(url), {})
  const other = await startProcess(t, url, { work: false })
  t.false(proxy.names().some(deaf))
  const running = await other.add('passAgain', [gate.url('running')])
  await gate.arrival('running1')
  await other.ask({ what: 'cancel', id: running })
  t.like(await other.untilRecord(running, ({ state }) => state !== 'running'), { state: 'cancelled' })
  const delayed = await other.add('echo', ['delayed'], { delay: '2s' })
  await other.untilRecord(delayed, ({ state }) => state === 'succeeded')
  await other.ask({ what: 'pause', pool: 'cpu' })
  await one.untilPaused('cpu', true)
  const paused = await other.add('echo', ['paused'])
  t.like(await other.get(paused), { state: 'queued' })
  await other.ask({ what: 'resume', pool: 'cpu' })
  await other.untilRecord(paused, ({ state }) => state === 'succeeded')
  t.deepEqual(one.errors(), [])

  // It listens again as soon as it can.
  proxy.letThrough()
  while (!proxy.names().some(deaf)) await wait(50)
  t.is(proxy.cut(deaf), 1)
  while (!proxy.names().some(deaf)) await wait(50)
  t.deepEqual(one.errors(), [])
})

for (const how of ['stall', 'refuse'] as const) {
  test(`postgres: a process whose server is gone for good (${how}) stops all the same`, async (t) => {
    t.timeout(150_000)
    const url = await databases.create(t)
    const [proxy, gate] = [await startProxy(t, url), await startGate(t)]
    const one = await startProcess(t, proxy.through(url))
    await one.add('passAgain', [gate.url('door')])
    await gate.arrival('door1')
    await one.held({ add: [{ name: 'echo', args: ['held'] }] })
    proxy[how]()
    if (how === 'refuse') proxy.cut()
    await one.ask({ what: 'stop' })
    await one.ended
    t.is(one.child.exitCode, 0, one.stderr)
  })
}
