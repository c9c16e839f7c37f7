import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { startGate } from '../../support/gate.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { startProcess, type Process } from './process.ts'
import { forgetSigns } from './signs.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

test('postgres: what ran in a process that is killed runs again in another one, or fails if it must not', async (t) => {
  t.timeout(150_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const dying = await startProcess(t, url, { threads: 3 })
  const again = await dying.add('passAgain', [gate.url('again')])
  const once = await dying.add('passAgain', [gate.url('once')], { delivery: 'at-most-once' })
  const answer = await dying.request({
    add: [
      { name: 'passAgain', args: [gate.url('head')] },
      { name: 'echo', args: ['the next of its group'] },
    ],
  })
  const [head, next] = answer.json.ids as [string, string]
  await Promise.all(['again1', 'once1', 'head1'].map((door) => gate.arrival(door)))
  const other = await startProcess(t, url)
  t.like(await other.get(again), { state: 'running', attempt: 1 })
  await dying.kill()

  const killed = performance.now()
  // Suspects run one at a time.
  await Promise.race([gate.arrival('again2'), gate.arrival('head2')])
  const took = performance.now() - killed
  t.log(`they ran again after ${(took / 1_000).toFixed(1)} s`)
  t.true(took < 60_000)
  await Promise.all([gate.pass('again2'), gate.pass('head2')])
  for (const id of [again, head, next]) await other.of('task.succeeded', id)
  t.like(await other.get(again), { state: 'succeeded', attempt: 2, result: '2' })
  t.like(await other.get(head), { state: 'succeeded', attempt: 2 })
  t.like(await other.get(next), { state: 'succeeded', attempt: 1 })
  t.like(await other.get(once), { state: 'failed', attempt: 1, error: { code: 'AFTERWORK_INTERRUPTED' } })
  t.deepEqual(await other.ask({ what: 'counters' }), {
    queued: 0,
    scheduled: 0,
    running: 0,
    succeeded: 3,
    failed: 1,
    cancelled: 0,
  })
})

test('postgres: what a process that is killed held, and its local functions, keep nobody waiting', async (t) => {
  t.timeout(150_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const dying = await startProcess(t, url)
  const other = await startProcess(t, url)
  const [simple] = await dying.held({ add: [{ name: 'echo', args: ['simple'] }] })
  const [first, second] = await dying.held({
    add: [
      { name: 'echo', args: ['first'] },
      { name: 'echo', args: ['second'] },
    ],
  })
  const answer = await dying.request({ local: gate.url('local'), add: [{ name: 'echo', args: ['last'] }] })
  const [local, last] = answer.json.ids as [string, string]
  await gate.arrival('local')
  t.like(await other.get(simple!), { state: 'queued', attempt: 0 })
  await dying.kill()

  for (const id of [simple, first, second, last]) await other.of('task.succeeded', id!)
  t.like(await other.get(local), { state: 'failed', error: { code: 'AFTERWORK_LOCAL_GONE' } })
  const [one, two] = await Promise.all([other.get(first!), other.get(second!)])
  t.true(one!.endedAt! <= two!.startedAt!)
})

test('postgres: a task that kills its process three times alone is found out, and costs nobody else anything', async (t) => {
  t.timeout(170_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const file = join(await temporaryFolder(t), 'notes')
  let running = [await startProcess(t, url), await startProcess(t, url)]
  const culprit = await running[0]!.add('crash', [gate.url('culprit')])
  const neighbours = await Promise.all(
    ['a', 'b'].map((line) => running[0]!.add('noteAfter', [gate.url(line), file, line])),
  )
  for (let crash = 1; crash <= 4; crash++) {
    await gate.pass(`culprit${crash}`)
    const died = await Promise.race(running.map((one) => one.ended.then(() => one)))
    if (crash > 1) t.deepEqual(runningIn(died), [culprit])
    await forgetSigns(url, died.child.pid!)
    running = [...running.filter((one) => one !== died), await startProcess(t, url)]
    if (crash === 1) for (const door of ['a1', 'b1', 'a2', 'b2']) void gate.pass(door)
  }
  const { attempt, error } = await running[0]!.untilRecord(culprit, ({ state }) => state === 'failed')
  t.is(attempt, 4)
  t.is(error!.code, 'AFTERWORK_CRASHED_PROCESS')
  for (const id of neighbours) await running[0]!.untilRecord(id, ({ state }) => state === 'succeeded')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  t.deepEqual(lines.map((line) => line.slice(0, 1)).toSorted(), ['a', 'b'])
})

/** What a process had begun and not ended when it died. */
function runningIn({ told }: Process): string[] {
  const of = (wanted: string): string[] => told.flatMap(({ event, id }) => (event === wanted ? [id!] : []))
  const ended = new Set(of('task.succeeded'))
  return of('task.started').filter((id) => !ended.has(id))
}
