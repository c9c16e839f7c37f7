import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { temporaryFolder } from '../../support/folder.ts'
import { startGate } from '../../support/gate.ts'
import { startPostgres } from '../../support/postgres.ts'
import { startProcess } from './process.ts'

/** Longer than a process may be without a sign of life, in milliseconds. */
const outage = 14_000

test('postgres: while the server is away tasks are refused, and all goes on when it is back', async (t) => {
  t.timeout(170_000)
  const server = await startPostgres(t)
  const url = server.url('postgres')
  const gate = await startGate(t)
  const file = join(await temporaryFolder(t), 'notes')
  const a = await startProcess(t, url, { threads: 1 })
  const b = await startProcess(t, url, { threads: 1 })
  const note = (line: string): Promise<string> => a.add('noteAfter', [gate.url(line), file, line])
  const delayed = await a.add('echo', ['delayed'], { delay: '8s', pool: 'mail' })
  const first = await note('first')
  await gate.arrival('first1')
  const second = await note('second')
  await gate.arrival('second1')
  const waiting = await note('waiting')
  const [held] = await b.held({ add: [{ name: 'echo', args: ['held'] }] })
  const local = await b.request({ local: gate.url('local'), add: [{ name: 'echo', args: ['last'] }] })
  await gate.arrival('local')

  // A claim need not be on disk at once: one that the server forgets with its death would be made again.
  await wait(1_500)
  await server.kill()
  const request = { add: [{ name: 'echo' as const, args: ['refused'] }] }
  for (const one of [a, b]) {
    const refused = await one.request(request)
    t.is(refused.status, 503)
    t.is(refused.headers['retry-after'], '1')
    t.regex(refused.json.code, /^AFTERWORK_QUEUE_(FAILED|TIMEOUT)$/)
  }
  const grouped = await a.request({ add: [...request.add, ...request.add] })
  t.is(grouped.status, 503)
  await t.throwsAsync(a.add('echo', ['refused']), { code: 'AFTERWORK_QUEUE_FAILED' })
  await t.throwsAsync(a.get(first), { code: 'AFTERWORK_QUEUE_FAILED' })
  await t.throwsAsync(a.ask({ what: 'pause', pool: 'cpu' }), { code: 'AFTERWORK_QUEUE_FAILED' })
  // Ends while nobody can be told.
  await gate.pass('first1')
  await wait(outage)
  await server.start()

  const outcomes = await Promise.all(
    [first, delayed].map((id) => a.untilRecord(id, ({ state }) => state === 'succeeded')),
  )
  t.deepEqual(
    outcomes.map(({ attempt }) => attempt),
    [1, 1],
  )
  await gate.pass('waiting1')
  await gate.pass('second1')
  for (const id of [second, waiting])
    t.is((await a.untilRecord(id, ({ state }) => state === 'succeeded')).attempt, 1)
  // Their process is alive: its request still goes on, and so does its function.
  t.is((await a.get(held!))!.state, 'queued')
  await gate.pass('local')
  for (const id of local.json.ids)
    t.is((await a.untilRecord(id, ({ endedAt }) => endedAt !== null)).state, 'succeeded')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  t.deepEqual(lines.toSorted(), ['first 1', 'second 1', 'waiting 1'])
  const counters = { queued: 1, scheduled: 0, running: 0, succeeded: 6, failed: 0, cancelled: 0 }
  t.deepEqual(await a.ask({ what: 'counters' }), counters)
  for (const one of [a, b]) {
    t.log(one.errors())
    t.deepEqual(one.errors(), [...new Set(one.errors())])
  }
  // What had not been told by then is not told later.
  await a.add('echo', ['back'])
})
