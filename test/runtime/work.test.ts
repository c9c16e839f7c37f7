import test, { type ExecutionContext } from 'ava'
import type { AfterworkOptions } from 'afterwork'
import { testAfterwork } from 'afterwork/testing'
import { Afterwork } from '../../src/afterwork.ts'
import { runtimeParts } from '../../src/afterwork-parts.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { listen } from '../support/app.ts'
import { EventLog } from '../support/events.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'

const { steps } = tasks
const inMail = { pool: 'mail' }

/** A process of several, as far as it knows: its queue is in memory. */
async function process(t: ExecutionContext, work: AfterworkOptions['work']) {
  const pools = { cpu: { maxThreads: 1, nice: 0 }, mail: { maxThreads: 1, concurrency: 3 } }
  const given = { tasks, queue: 'postgres://db.example/shop', work, pools, logger: false, drain: 0 } as const
  const openQueue = () => new MemoryQueue({ maxTasks: 100, maxBytes: 1e6 }, { tasks: 100 })
  const afterwork = new Afterwork(given as AfterworkOptions, { ...runtimeParts, openQueue })
  t.teardown(() => afterwork.stop())
  const events = new EventLog(afterwork)
  await afterwork.start()
  return { afterwork, events }
}

test('a process runs tasks of the pools that it works on, and leaves those of the others', async (t) => {
  const { afterwork, events } = await process(t, ['cpu'])
  const others = await afterwork.addTask(steps.echo.with(inMail), 'there')
  const own = await afterwork.addTask(steps.echo, 'here')
  t.is(await events.ended(own.id), 'succeeded')
  t.like(await afterwork.records.get(others.id), { state: 'queued', attempt: 0 })
  t.like(afterwork.pools(), [{ name: 'cpu' }, { name: 'mail', maxThreads: 1, concurrency: 3, running: 0 }])
  const unknown = afterwork.addTask(steps.echo.with({ pool: 'mial' }))
  await t.throwsAsync(unknown, { code: 'AFTERWORK_BAD_OPTION', message: /pools cpu, mail, got mial/ })
})

test('a process that works on none takes tasks and starts none, and knows their names all the same', async (t) => {
  const { afterwork } = await process(t, false)
  const { id } = await afterwork.addTask(steps.echo)
  t.like(await afterwork.records.get(id), { state: 'queued' })
  t.like(afterwork.pools(), [
    { name: 'cpu', running: 0 },
    { name: 'mail', running: 0 },
  ])
  const misspelled = (steps as unknown as Record<'ecko', typeof steps.echo>).ecko
  await t.throwsAsync(afterwork.addTask(misspelled), {
    code: 'AFTERWORK_UNKNOWN_TASK',
    message: /did you mean "steps\.echo"/,
  })
  await afterwork.cancel(id)
  t.like(await afterwork.records.get(id), { state: 'cancelled' })
  t.deepEqual(await afterwork.recycle(), { added: [], removed: [] })
})

test('local functions run in the process that added them, though it works on no pool', async (t) => {
  const { afterwork } = await process(t, false)
  const called: string[] = []
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      ctx.background.addLocal((word: string) => void called.push(word), 'called')
      ctx.body = 'ok'
    }),
  )
  const done = new Promise((resolve) => afterwork.once('task.succeeded', resolve))
  t.is((await send(url)).status, 200)
  await done
  t.deepEqual(called, ['called'])
})

test('a pool that others work on is paused and resumed from here, and resized', async (t) => {
  const { afterwork } = await process(t, ['cpu'])
  const elsewhere = { name: 'mail', minThreads: 1, maxThreads: 1, concurrency: 3, running: 0 }
  t.deepEqual(await afterwork.pausePool('mail'), { ...elsewhere, paused: true })
  t.deepEqual(await afterwork.resumePool('mail'), { ...elsewhere, paused: false })
  t.like(await afterwork.pausePool('cpu'), { name: 'cpu', paused: true, maxThreads: 1 })
  t.like(await afterwork.resizePool('mail', {}), { name: 'mail', running: 0 })
  await t.throwsAsync(afterwork.resizePool('mail', { minThreads: 2 }), {
    code: 'AFTERWORK_BAD_OPTION',
    message: 'pool mail.minThreads: Expected at most maxThreads, which is 1, got 2',
  })
  await t.throwsAsync(afterwork.pausePool('mial'), {
    code: 'AFTERWORK_POOL_NOT_FOUND',
    message: 'There is no pool mial, did you mean "mail"?',
  })
})

test('a queue that cannot say what is left is closed all the same', async (t) => {
  const closed: string[] = []
  class Gone extends MemoryQueue {
    override counters(): never {
      throw new Error('the database is away')
    }
    override async close(): Promise<void> {
      closed.push('closed')
      await super.close()
    }
  }
  const given: AfterworkOptions = { tasks, queue: 'memory:', logger: false, drain: 0 }
  const openQueue = () => new Gone({ maxTasks: 100, maxBytes: 1e6 }, { tasks: 100 })
  const afterwork = new Afterwork(given, { ...runtimeParts, openQueue })
  const events = new EventLog(afterwork)
  await afterwork.start()
  await afterwork.stop()
  t.deepEqual(closed, ['closed'])
  t.like(events.of('afterwork.error')[0], { error: { message: 'the database is away' } })
})

test('in a test of an app all its tasks run, whatever part the app has in the work', async (t) => {
  const afterwork = testAfterwork({ tasks, queue: 'postgres://db.example/shop', work: false })
  t.teardown(() => afterwork.stop())
  await afterwork.start()
  await afterwork.addTask(steps.echo, 'here')
  t.like(await afterwork.drain(), [{ state: 'succeeded' }])
})
