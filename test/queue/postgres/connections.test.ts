import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { PostgresQueue } from '../../../src/queue/postgres/engine.ts'
import { Endings } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { startGate } from '../../support/gate.ts'
import { startProxy } from '../../support/proxy.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { newGroup, Subject } from '../conformance/subject.ts'
import { connect } from './joined.ts'
import { startProcess } from './process.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

const refused = { code: 'AFTERWORK_QUEUE_FAILED' }

test('postgres: however often connections are cut, what was acknowledged runs, once, and nothing else', async (t) => {
  t.timeout(170_000)
  const url = await databases.create(t)
  const proxy = await startProxy(t, url)
  const file = join(await temporaryFolder(t), 'notes')
  const one = await startProcess(t, proxy.through(url), { threads: 4 })
  let added = 0
  let over = false
  const acknowledged: string[] = []
  const adding = Array.from({ length: 4 }, async () => {
    while (!over) {
      const line = String(added++)
      const done = one.add('note', [file, line], { retries: 0 })
      await done.then(
        () => acknowledged.push(line),
        () => wait(50),
      )
    }
  })
  // Prime numbers, so that it is never the same moment.
  for (const pause of [11, 37, 101, 41, 53, 67, 151, 5, 251, 19]) {
    const before = acknowledged.length
    while (acknowledged.length < before + 5) await wait(10)
    await wait(pause)
    proxy.cut()
  }
  over = true
  await Promise.all(adding)
  const queued = await one.untilCounters(({ queued, running }) => queued + running === 0)
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  t.log(`${added} added, ${acknowledged.length} acknowledged, ${lines.length} ran`)
  t.is(queued.failed, 0)
  t.deepEqual(lines.toSorted(), [...new Set(lines)].toSorted())
  t.deepEqual(lines.toSorted(), acknowledged.toSorted())
})

test('postgres: tasks whose commit was not answered are added once, or not at all', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const proxy = await startProxy(t, url)
  const one = await startProcess(t, proxy.through(url), {})
  await one.add('echo', ['the lane is there'])
  await one.untilCounters(({ succeeded }) => succeeded === 1)
  const group = { add: [1, 2].map((value) => ({ name: 'echo' as const, args: [value] })) }

  // Asked again on another connection, which has the same answer.
  const question = proxy.loseQuestion('addAndTell\0')
  await Promise.all([one.add('echo', [1]), question])
  const simple = proxy.loseAnswer('addAndTell\0')
  await Promise.all([one.add('echo', [2]), simple])
  const commit = proxy.loseAnswer('COMMIT', 'add\0')
  const [{ status }] = await Promise.all([one.request(group), commit])
  t.is(status, 202)
  t.like(await one.untilCounters(({ succeeded }) => succeeded === 5), { queued: 0, running: 0 })

  // Lost twice, nobody knows: it is refused, and does not stay.
  for (const { add, lose, after } of [
    { add: [group.add[0]!], lose: 'addSimple\0', after: '' },
    { add: group.add, lose: 'COMMIT', after: 'add\0' },
  ]) {
    const both = [proxy.loseAnswer(lose, after), proxy.loseAnswer(lose, after)]
    const [answer] = await Promise.all([one.request({ add }), ...both])
    t.is(answer.status, 503)
    t.is(answer.json.code, refused.code)
  }
  const none = { queued: 0, scheduled: 0, running: 0, succeeded: 5, failed: 0, cancelled: 0 }
  t.deepEqual(await one.untilCounters(({ queued }) => queued === 0), none)
})

test('postgres: an add is asked again on a connection that is alive, when all are cut at once', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const proxy = await startProxy(t, url)
  const one = await startProcess(t, proxy.through(url), {})
  await one.add('echo', ['the lane is there'])
  for (let added = 1; added <= 5; added++) {
    // So many that others are idle while one adds.
    await Promise.all(Array.from({ length: 12 }, () => one.untilCounters(() => true)))
    const lost = proxy.loseAnswer('addAndTell\0').then(() => proxy.cut())
    await t.notThrowsAsync(Promise.all([one.add('echo', [added]), lost]))
  }
  t.like(await one.untilCounters(({ succeeded }) => succeeded === 6), { queued: 0, running: 0 })
})

test('postgres: a claim, a start and an outcome that were not answered lose and double nothing', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const [proxy, gate] = [await startProxy(t, url), await startGate(t)]
  const file = join(await temporaryFolder(t), 'notes')
  const one = await startProcess(t, proxy.through(url), {})
  const claimed = proxy.loseAnswer('claim\0')
  const claim = await one.add('note', [file, 'claim'])
  await claimed

  const ends = ['settleSimple\0', 'settle\0'].map((statement) => proxy.loseAnswer(statement))
  const simple = await one.add('noteAfter', [gate.url('simple'), file, 'simple'])
  const answer = await one.request({
    add: ['a', 'b'].map((line) => ({ name: 'noteAfter', args: [gate.url(line), file, line] })),
  })
  for (const door of ['simple1', 'a1', 'b1']) await gate.pass(door)
  await Promise.all(ends)
  for (const id of [simple, ...answer.json.ids]) {
    await one.of('task.succeeded', id)
    t.like(await one.get(id), { state: 'succeeded', attempt: 1 })
  }
  // Nobody knows that it is claimed, until its lease has run out.
  t.like(await one.untilRecord(claim, ({ state }) => state === 'succeeded'), { attempt: 1 })
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  t.deepEqual(lines.toSorted(), ['a 1', 'b 1', 'claim', 'simple 1'])
})

test('postgres: a start that could not be said, of a task that has ended meanwhile, keeps nobody from asking', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const [proxy, gate] = [await startProxy(t, url), await startGate(t)]
  const one = await startProcess(t, proxy.through(url), {})
  const noted = proxy.holdAnswer('note\0', '')
  const id = await one.add('pass', [gate.url('door')])
  await noted
  await gate.pass('door')
  await one.of('task.succeeded', id)
  proxy.cut()
  // Nothing starts any more, whose start could be said instead.
  t.like(await one.untilCounters(() => true), { running: 0, succeeded: 1 })
  t.like(await one.get(id), { state: 'succeeded', attempt: 1 })
})

test('postgres: a queue is open once it has told what came of a crash before', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const open = (at: string): PostgresQueue => {
    const engine = new PostgresQueue(at, { maxTasks: 10, maxBytes: 1_000 }, { tasks: 10 }, { silent: true })
    t.teardown(() => engine.close())
    return engine
  }
  const before = new Subject(open(url))
  await before.engine.open()
  const group = newGroup({ options: { delivery: 'at-most-once' } }, { options: { onlyAfterSuccess: true } })
  await before.add(...group)
  await before.run(t, group[0]!)
  await before.engine.close()
  const client = await connect(t, url)
  // Another process has taken the ticket away.
  await client.query("UPDATE afterwork_boss.job SET state = 'retry' WHERE state = 'active'")

  // Two in a row, for each keeps one answer: so the look that begins once it listens is the first.
  const far = await startProxy(t, url)
  const near = await startProxy(t, far.through(url))
  const supervised = far.holdAnswer('monitor_claim_on', '')
  const told = near.holdAnswer('records\0', '')
  const after = open(near.through(url))
  let opened = false
  const opening = after.open().then(() => (opened = true))
  const [supervise, tell] = [await supervised, await told]
  supervise()
  for (let question = 0; question < 100; question++) await client.query('SELECT 1')
  t.false(opened)
  tell()
  await opening
  t.like(await after.get(group[1]!.id), { state: 'cancelled' })
})
