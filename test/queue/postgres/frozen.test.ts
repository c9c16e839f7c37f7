import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
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

test('postgres: what a process that was frozen past its lease says of a task that ran again counts for nothing', async (t) => {
  t.timeout(150_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const frozen = await startProcess(t, url)
  const id = await frozen.add('passAgain', [gate.url('door')])
  await gate.arrival('door1')
  const other = await startProcess(t, url)
  frozen.child.kill('SIGSTOP')

  await gate.arrival('door2')
  t.like(await other.get(id), { state: 'running', attempt: 2 })
  // The answer is there when it wakes: the attempt ends before anybody could tell it to stop.
  await gate.pass('door1')
  frozen.child.kill('SIGCONT')
  t.like(await frozen.get(id), { state: 'running', attempt: 2 })
  // Until it has said that it is alive it is refused.
  const next = await frozen.addAgain('echo', ['it goes on'], { pool: 'mail' })
  await frozen.untilRecord(next, ({ state }) => state === 'succeeded')
  t.like(await other.get(id), { state: 'running', attempt: 2 })
  await gate.pass('door2')
  await other.of('task.succeeded', id)
  t.like(await frozen.get(id), { state: 'succeeded', attempt: 2, result: '2' })
  t.false(frozen.told.some((told) => told.event === 'task.succeeded' && told.id === id))

  // It is one of them as before: what it adds is held for it, and runs there.
  await other.kill()
  const last = await frozen.add('echo', ['alone'])
  await frozen.of('task.succeeded', last)
})

test('postgres: a process that was frozen starts nothing that it had claimed', async (t) => {
  t.timeout(150_000)
  const [url, file] = [await databases.create(t), join(await temporaryFolder(t), 'notes')]
  const proxy = await startProxy(t, url)
  const frozen = await startProcess(t, proxy.through(url))
  await frozen.add('echo', ['the lane is there'])
  await frozen.untilCounters(({ succeeded }) => succeeded === 1)
  // The answer to its claim is under way when it is frozen.
  const claim = proxy.holdAnswer('claim\0', 'lives.note')
  const id = await frozen.add('note', [file, 'frozen'])
  const release = await claim
  frozen.child.kill('SIGSTOP')
  release()
  const other = await startProcess(t, url)
  await other.of('task.succeeded', id)
  frozen.child.kill('SIGCONT')
  const next = await frozen.addAgain('echo', ['it goes on'])
  await frozen.untilRecord(next, ({ state }) => state === 'succeeded')
  await frozen.untilCounters(({ succeeded, queued, running }) => succeeded === 3 && queued + running === 0)
  t.is(await readFile(file, 'utf8'), 'frozen\n')
  t.false(frozen.told.some((told) => told.event === 'task.started' && told.id === id))
})

test('postgres: a process whose main thread is blocked for longer than its lease keeps its tasks', async (t) => {
  t.timeout(150_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const blocked = await startProcess(t, url)
  const id = await blocked.add('passAgain', [gate.url('door')], { delivery: 'at-most-once' })
  await gate.arrival('door1')
  const [held] = await blocked.held({ add: [{ name: 'echo', args: ['held'] }] })
  const other = await startProcess(t, url)
  await blocked.ask({ what: 'block', milliseconds: 15_000 })
  await wait(3_000)
  t.like(await other.get(id), { state: 'running', attempt: 1 })
  t.like(await other.get(held!), { state: 'queued' })
  await gate.pass('door1')
  await blocked.of('task.succeeded', id)
  t.like(await other.get(id), { state: 'succeeded', attempt: 1, result: '1' })
})
