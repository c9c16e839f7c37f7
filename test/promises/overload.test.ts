import { Agent } from 'node:http'
import { createAfterwork, type Afterwork, type AfterworkError } from 'afterwork'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { quick, startApp } from '../support/app.ts'
import type { Ending } from '../support/endings.ts'
import { startGate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { tasks } from './tasks.ts'

const { addAnother, echo, fail, pass } = tasks.lives

/** AFTERWORK_OFFERS=1000000 tries the whole promise. */
const offers = Number(process.env['AFTERWORK_OFFERS'] ?? 100_000)
const maxQueued = 50_000
const chunk = 1_000
/** MB that the main thread's heap may grow by, without what was not collected yet. */
const maxGrowth = 400
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Counts ends instead of keeping every event. */
class Ends {
  succeeded = 0
  failed = 0
  #look = (): void => {}

  constructor(afterwork: Afterwork) {
    afterwork.on('task.succeeded', () => (this.succeeded++, this.#look()))
    afterwork.on('task.failed', () => (this.failed++, this.#look()))
  }

  /** Resolves once so many have ended. */
  reach(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.succeeded + this.failed >= count) resolve()
      }
      this.#look()
    })
  }
}

async function start(ending: Ending): Promise<Afterwork> {
  const afterwork = createAfterwork({ ...quick, tasks, maxQueued })
  ending.teardown(() => afterwork.stop())
  await afterwork.start()
  return afterwork
}

/** What the main thread's heap and the whole process take. */
function megabytes(): { heap: number; process: number } {
  const { rss } = process.memoryUsage()
  collectGarbage()
  const { heapUsed } = process.memoryUsage()
  return { heap: Math.round(heapUsed / 1024 ** 2), process: Math.round(rss / 1024 ** 2) }
}

function rise(peak: { heap: number; process: number }): void {
  const now = megabytes()
  peak.heap = Math.max(peak.heap, now.heap)
  peak.process = Math.max(peak.process, now.process)
}

test(`overload: of ${offers} tiny tasks offered to a queue of ${maxQueued}, what is accepted is run and the rest is refused`, async (t) => {
  t.timeout(600_000)
  const afterwork = await start(t)
  const ends = new Ends(afterwork)
  const tiny = echo.with({ batch: true })
  const before = megabytes()
  const peak = { ...before }
  let [accepted, refused] = [0, 0]
  const offer = async (count: number): Promise<void> => {
    for (let offered = 0; offered < count; offered += chunk) {
      const added = Array.from({ length: chunk }, () => afterwork.addTask(tiny))
      for (const answer of await Promise.allSettled(added)) {
        if (answer.status === 'fulfilled') accepted++
        else if ((answer.reason as AfterworkError).code === 'AFTERWORK_QUEUE_FULL') refused++
        else throw answer.reason
      }
      if (offered % (50 * chunk) === 0) rise(peak)
      // The threads' answers come in between.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  await afterwork.pausePool('cpu')
  await offer(60_000)
  t.deepEqual([accepted, refused], [maxQueued, 10_000])
  t.is((await afterwork.records.counters()).queued, maxQueued)
  await afterwork.resumePool('cpu')
  await offer(offers - 60_000)
  t.is(accepted + refused, offers)

  await ends.reach(accepted)
  t.deepEqual([ends.succeeded, ends.failed], [accepted, 0])
  const { queued, scheduled, running } = await afterwork.records.counters()
  t.deepEqual([queued, scheduled, running], [0, 0, 0])
  rise(peak)
  const grown = `heap by ${peak.heap - before.heap} MB, process by ${peak.process - before.process} MB`
  t.true(peak.heap - before.heap < maxGrowth, grown)
  t.log(`${accepted} accepted, ${refused} refused; grew: ${grown}`)
})

test('overload: over HTTP past the bound is a 503 with Retry-After, and nothing is half-stored', async (t) => {
  const { url, afterwork, events } = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        ctx.background.addTask(echo, 1)
        ctx.background.addTask(echo, 2)
        ctx.status = 202
      }),
    { tasks, maxQueued: 101 },
  )
  await afterwork.pausePool('cpu')
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  t.teardown(() => agent.destroy())
  const answers = await Promise.all(Array.from({ length: 300 }, () => send(url, { agent })))
  const refused = answers.filter(({ status }) => status === 503)
  t.deepEqual([answers.filter(({ status }) => status === 202).length, refused.length], [50, 250])
  for (const { headers, json } of refused) {
    t.is(headers['retry-after'], '1')
    t.is(json.code, 'AFTERWORK_QUEUE_FULL')
  }
  const records = await afterwork.records.list({ limit: 1_000 })
  t.is(records.length, 100)
  t.is(new Set(records.map(({ group }) => group)).size, 50)
  await afterwork.resumePool('cpu')
  await Promise.all(records.map(({ id }) => events.ended(id)))
  t.is(events.of('task.succeeded').length, 100)
  t.is((await send(url)).status, 202)
})

test('overload: the bytes of the arguments are bounded likewise', async (t) => {
  const { url, afterwork } = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        ctx.body = ctx.background.addTask(echo.with({ delay: '1h' }), 'x'.repeat(10_000)).id
      }),
    { tasks, maxQueuedBytes: 25_000 },
  )
  const [first, second, third] = [await send(url), await send(url), await send(url)]
  t.deepEqual([first.status, second.status, third.status], [200, 200, 503])
  t.is(third.headers['retry-after'], '1')
  await afterwork.cancel(first.text)
  t.is((await send(url)).status, 200)
})

test('overload: follow-ups, retries and retries by hand are never refused for length', async (t) => {
  const gate = await startGate(t)
  const { afterwork, events } = await startApp(t, () => {}, { tasks, maxQueued: 3 })
  const failed = await afterwork.addTask(fail, 'on purpose')
  await events.ended(failed.id)
  const running = await afterwork.addTask(pass, gate.url('full'))
  await gate.arrival('full')
  const adding = await afterwork.addTask(addAnother.with({ delay: 1 }))
  const retried = await afterwork.addTask(fail.with({ retries: 1, backoff: { first: 1 } }), 'twice')
  await t.throwsAsync(afterwork.addTask(echo), { code: 'AFTERWORK_QUEUE_FULL' })

  await afterwork.retry(failed.id)
  await events.until('task.failed', ({ id, attempt }) => id === failed.id && attempt === 2)
  t.is(await events.ended(adding.id), 'succeeded')
  const followUp = await events.until('task.added', ({ name }) => name === 'lives.echo')
  t.is(await events.ended(followUp.id), 'succeeded')
  await events.until('task.failed', ({ id, attempt }) => id === retried.id && attempt === 2)
  await gate.pass('full')
  t.is(await events.ended(running.id), 'succeeded')
})
