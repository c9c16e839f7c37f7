import { hostname } from 'node:os'
import test from 'ava'
import { Registry } from 'prom-client'
import type { TaskLogger } from '../../../src/observe/log.ts'
import { Visit } from '../../../src/queue/postgres/visit.ts'
import { App } from '../../runtime/app.ts'
import { Endings } from '../../support/endings.ts'
import { Exposition } from '../../support/exposition.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { startGate } from '../../support/gate.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { startProcess, type Process } from './process.ts'
import { forgetSigns } from './signs.ts'
import { tasks } from './tasks.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** What these processes told of a task, beside its life in each. */
function told(processes: readonly Process[], id: string, ...events: string[]): (number | undefined)[] {
  const of = processes.flatMap((one) => one.told.filter((news) => news.id === id))
  return of.filter(({ event }) => events.includes(event!)).map(({ attempt }) => attempt)
}

test('postgres: one of those that stay tells of a task that ends with its process, and its attempt is remembered', async (t) => {
  t.timeout(150_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const dying = await startProcess(t, url, { threads: 3 })
  const again = await dying.add('passAgain', [gate.url('again')])
  const once = await dying.add('passAgain', [gate.url('once')], { delivery: 'at-most-once' })
  const unwanted = await dying.add('passAgain', [gate.url('unwanted')])
  await Promise.all(['again1', 'once1', 'unwanted1'].map((door) => gate.arrival(door)))
  const others = [await startProcess(t, url), await startProcess(t, url)]
  await dying.ask({ what: 'counters' })
  dying.child.kill('SIGSTOP')
  t.like(await others[0]!.ask({ what: 'cancel', id: unwanted }), { state: 'running' })
  await dying.kill()
  await forgetSigns(url, dying.child.pid!)

  await gate.pass('again2')
  const look = (id: string): Promise<unknown> =>
    others[0]!.untilRecord(id, ({ state }) => state !== 'running' && state !== 'queued')
  await Promise.all([again, once, unwanted].map(look))
  await Promise.race(others.map((one) => one.of('task.failed', once)))
  await Promise.race(others.map((one) => one.of('task.cancelled', unwanted)))
  await Promise.race(others.map((one) => one.of('task.succeeded', again)))
  // What both have been asked is answered after what they told.
  for (const one of others) await one.ask({ what: 'counters' })
  t.deepEqual(told(others, once, 'task.failed', 'task.cancelled'), [1])
  t.deepEqual(told(others, unwanted, 'task.failed', 'task.cancelled'), [1])
  t.deepEqual(told(others, again, 'task.failed', 'task.cancelled', 'task.started'), [2])

  const visit = await Visit.open(url)
  t.teardown(() => visit.close())
  const process = { host: hostname(), pid: dying.child.pid! }
  const lost = { attempt: 1, state: 'lost', process } as const
  const name = 'AfterworkError'
  t.like((await visit.attempts(again))[0], { ...lost, error: null })
  t.like((await visit.attempts(once))[0], { ...lost, error: { name, code: 'AFTERWORK_INTERRUPTED' } })
  t.like((await visit.attempts(unwanted))[0], { ...lost, error: { name, code: 'AFTERWORK_CANCELLED' } })
  t.is((await visit.attempts(again)).length, 1)
})

test('postgres: a process that starts after the crash tells of what ended with it, once tasks can be added', async (t) => {
  t.timeout(150_000)
  const [url, gate] = [await databases.create(t), await startGate(t)]
  const dying = await startProcess(t, url)
  const options = { delivery: 'at-most-once' } as const
  const answer = await dying.request({
    add: [
      { name: 'passAgain', args: [gate.url('once')], options },
      { name: 'echo', args: ['next'], options: { onlyAfterSuccess: true } },
    ],
  })
  const [once, next] = answer.json.ids as [string, string]
  await gate.arrival('once1')
  await dying.ask({ what: 'counters' })
  await dying.kill()
  await forgetSigns(url, dying.child.pid!)

  const logged: [level: string, line: object, message: string][] = []
  const log = (level: string) => (line: object, message: string) => void logged.push([level, line, message])
  const logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  } as unknown as TaskLogger
  const files = await temporaryFolder(t)
  const app = new App({ tasks, queue: url, files, logger } as object)
  t.teardown(() => app.afterwork.stop())
  const register = new Registry()
  await app.afterwork.metrics({ register })
  const added: string[] = []
  app.afterwork.on('task.failed', async ({ id }) => {
    await app.afterwork.addTask(tasks.lives.echo, id)
    added.push(id)
  })
  await app.afterwork.start()
  const { failure, ...failed } = await app.until('task.failed')
  t.like(failed, { id: once, name: 'lives.passAgain', pool: 'cpu', attempt: 1, thread: null })
  t.true(failed.duration >= 0)
  t.is(failure.code, 'AFTERWORK_INTERRUPTED')
  const cancelled = await app.until('task.cancelled')
  t.like(cancelled, { id: next, attempt: 0, failure: { code: 'AFTERWORK_PREDECESSOR_FAILED' } })
  await app.until('task.succeeded', ({ name }) => name === 'lives.echo')
  t.deepEqual(added, [once])
  t.deepEqual([app.of('task.failed').length, app.of('task.cancelled').length], [1, 1])
  t.deepEqual(app.of('afterwork.error'), [])

  const metrics = new Exposition(await register.metrics())
  const total = (task: string, outcome: string): number[] =>
    metrics.samples('afterwork_tasks_total', { task, outcome }).map(({ value }) => value)
  t.deepEqual(total('lives.passAgain', 'failed'), [1])
  t.deepEqual(total('lives.echo', 'cancelled'), [1])
  const line = logged.find(([, , message]) => message === 'task failed')
  t.is(line?.[0], 'error')
  t.like(line?.[1], { task: 'lives.passAgain', id: once, attempt: 1 })
})
