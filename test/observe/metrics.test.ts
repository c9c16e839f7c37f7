import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { createAfterwork, type Afterwork, type AfterworkOptions } from 'afterwork'
import { Counter, Gauge, Registry, type OpenMetricsContentType } from 'prom-client'
import { listen, quick, startAfterwork } from '../support/app.ts'
import { Exposition } from '../support/exposition.ts'
import { startGate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'
import { block } from './subject.ts'

const names = {
  afterwork_tasks_total: 'counter',
  afterwork_task_duration_seconds: 'histogram',
  afterwork_task_wait_seconds: 'histogram',
  afterwork_queue_depth: 'gauge',
  afterwork_queue_oldest_seconds: 'gauge',
  afterwork_workers: 'gauge',
  afterwork_running_max_seconds: 'gauge',
  afterwork_event_loop_lag_seconds: 'histogram',
  afterwork_file_system_probe_seconds: 'histogram',
}
const ofTheProcess = {
  process_resident_memory_bytes: 'gauge',
  process_cpu_seconds_total: 'counter',
  process_start_time_seconds: 'gauge',
}

/** An app that answers GET /metrics, and /drop, /local/:count with tasks. */
async function measured(t: ExecutionContext, options: Partial<AfterworkOptions> = {}) {
  const running = await startAfterwork(t, options)
  return { ...running, ...(await serveMetrics(t, running.afterwork)) }
}

async function serveMetrics(t: ExecutionContext, afterwork: Afterwork) {
  const metrics = await afterwork.metrics()
  const { url } = await listen(t, afterwork, (app) =>
    app.use(metrics).use((ctx) => {
      if (ctx.path === '/drop') ctx.background.addTask(tasks.steps.echo)
      const count = /^\/local\/(\d+)$/.exec(ctx.path)?.[1]
      if (count === undefined) return
      ctx.status = 202
      for (let i = 0; i < Number(count); i++)
        ctx.background.addLocal(Object.defineProperty(() => {}, 'name', { value: `local${i}` }))
    }),
  )
  return { url, scrape: async () => new Exposition((await send(`${url}/metrics`)).text) }
}

test('every metric has its help, type and labels', async (t) => {
  const { afterwork, events, scrape, url } = await measured(t)
  await events.ended((await afterwork.addTask(tasks.steps.echo)).id)
  const { families, samples } = bound(await scrape())
  const types = [...families].map(([name, { type }]) => [name, type])
  t.deepEqual(Object.fromEntries(types), { ...names, ...ofTheProcess })
  for (const [name, { help }] of families) t.true(help.length > 20, name)
  const labels = (name: string) => Object.keys(samples(name)[0]!.labels).toSorted()
  t.deepEqual(labels('afterwork_tasks_total'), ['outcome', 'queue', 'task'])
  t.deepEqual(labels('afterwork_task_duration_seconds_count'), ['queue', 'task'])
  t.deepEqual(labels('afterwork_task_wait_seconds_count'), ['queue'])
  t.deepEqual(labels('afterwork_workers'), ['queue', 'state'])
  t.deepEqual(
    samples('afterwork_queue_depth').map((sample) => sample.labels),
    [{ state: 'queued' }, { state: 'scheduled' }, { state: 'running' }],
  )
  const { headers } = await send(`${url}/metrics`)
  t.is(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.is(headers['cache-control'], 'no-store')
})

test('docs/metrics.md describes every metric, and asks for no other', async (t) => {
  const text = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const rows = text.matchAll(/^\| `(\w+)` +\| (counter|gauge|histogram) /gm)
  t.deepEqual(Object.fromEntries(Array.from(rows, ([, name, type]) => [name, type])), {
    ...names,
    ...ofTheProcess,
  })
  for (const [name] of text.matchAll(/\b(afterwork|process)_[a-z_]+/g))
    t.true(name.replace(/_(bucket|sum|count)$/, '') in { ...names, ...ofTheProcess }, name)
})

/** Its methods as functions. */
function bound(exposition: Exposition) {
  return {
    families: exposition.families,
    samples: exposition.samples.bind(exposition),
    value: exposition.value.bind(exposition),
  }
}

test('each way in which a task ends is counted once', async (t) => {
  const gate = await startGate(t)
  const { afterwork, events, scrape, url } = await measured(t)
  const { echo, fail, pass } = tasks.steps
  await events.ended((await afterwork.addTask(echo)).id)
  await events.ended((await afterwork.addTask(fail, 'for good')).id)
  const retried = await afterwork.addTask(fail.with({ retries: 1, backoff: { first: '1h' } }), 'again')
  await events.until('task.retried')
  await afterwork.cancel(retried.id)
  const cancelled = Promise.withResolvers<void>()
  const running = await afterwork.addTask(pass, gate.url('cancelled'))
  afterwork.on('task.cancelled', ({ id }) => void (id === running.id && cancelled.resolve()))
  await gate.arrival('cancelled')
  await afterwork.cancel(running.id)
  await cancelled.promise
  await send(`${url}/drop`)
  await afterwork.addTask(pass, gate.url('interrupted'))
  await gate.arrival('interrupted')
  await afterwork.stop()

  const after = await scrape()
  const counted = after
    .samples('afterwork_tasks_total')
    .filter(({ value }) => value > 0)
    .map(({ labels, value }) => `${labels['task']} in ${labels['queue']} ${labels['outcome']}: ${value}`)
  t.deepEqual(counted.toSorted(), [
    'steps.echo in cpu dropped: 1',
    'steps.echo in cpu succeeded: 1',
    'steps.fail in cpu cancelled: 1',
    'steps.fail in cpu failed: 1',
    'steps.fail in cpu retried: 1',
    'steps.pass in cpu cancelled: 1',
    'steps.pass in cpu interrupted: 1',
  ])
  const durations = (task: string) => after.value('afterwork_task_duration_seconds_count', { task })
  t.deepEqual([durations('steps.echo'), durations('steps.fail')], [1, 2])
  t.is(after.value('afterwork_task_wait_seconds_count', { queue: 'cpu' }), 5)
  t.is(after.value('afterwork_running_max_seconds'), 0)
})

test('an outcome that has not come yet is there as 0', async (t) => {
  const { afterwork, events, scrape } = await measured(t)
  await events.ended((await afterwork.addTask(tasks.steps.echo)).id)
  const labels = { task: 'steps.echo', queue: 'cpu', outcome: 'failed' }
  t.is((await scrape()).value('afterwork_tasks_total', labels), 0)
})

test('what counts and what was observed only ever grows', async (t) => {
  const { afterwork, events, scrape } = await measured(t)
  let before = (await scrape()).growing
  for (const message of ['one', 'two', 'three']) {
    await events.ended((await afterwork.addTask(tasks.steps.fail, message)).id)
    block(60)
    const now = (await scrape()).growing
    for (const [sample, value] of before) t.true(now.get(sample)! >= value, sample)
    before = now
  }
})

test('what waits and what runs shows in the gauges, and is gone when it has ended', async (t) => {
  const gate = await startGate(t)
  const pools = { cpu: { maxThreads: 1, nice: 0 }, mail: { minThreads: 0, maxThreads: 3, nice: 0 } }
  const { afterwork, events, scrape } = await measured(t, { pools })
  const first = await afterwork.addTask(tasks.steps.pass, gate.url('first'))
  await gate.arrival('first')
  const second = await afterwork.addTask(tasks.steps.echo)
  await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  block(10)
  const during = await scrape()
  const depth = (exposition: Exposition) =>
    ['queued', 'scheduled', 'running'].map((state) => exposition.value('afterwork_queue_depth', { state }))
  t.deepEqual(depth(during), [1, 1, 1])
  t.is(during.value('afterwork_workers', { queue: 'cpu', state: 'busy' }), 1)
  t.is(during.value('afterwork_workers', { queue: 'cpu', state: 'idle' }), 0)
  t.is(during.value('afterwork_workers', { queue: 'cpu', state: 'unstarted' }), 0)
  t.is(during.value('afterwork_workers', { queue: 'mail', state: 'unstarted' }), 3)
  t.true(during.value('afterwork_running_max_seconds')! >= 0.01)
  t.true(during.value('afterwork_queue_oldest_seconds')! > 0)
  await gate.pass('first')
  for (const { id } of [first, second]) await events.ended(id)
  const after = await scrape()
  t.deepEqual(depth(after), [0, 1, 0])
  t.is(after.value('afterwork_workers', { queue: 'cpu', state: 'busy' }), 0)
  t.is(after.value('afterwork_workers', { queue: 'cpu', state: 'idle' }), 1)
  t.is(after.value('afterwork_running_max_seconds'), 0)
  t.is(after.value('afterwork_queue_oldest_seconds'), 0)
})

test('a thread that runs several tasks is busy once, and a larger pool has more to start', async (t) => {
  const gate = await startGate(t)
  const pools = { cpu: { minThreads: 0, maxThreads: 1, concurrency: 2, nice: 0 } }
  const { afterwork, scrape } = await measured(t, { pools })
  for (const door of ['one', 'two']) await afterwork.addTask(tasks.steps.pass, gate.url(door))
  await Promise.all([gate.arrival('one'), gate.arrival('two')])
  const cpu = async () => {
    const exposition = await scrape()
    return ['busy', 'idle', 'unstarted'].map((state) =>
      exposition.value('afterwork_workers', { queue: 'cpu', state }),
    )
  }
  t.deepEqual(await cpu(), [1, 0, 0])
  await afterwork.resizePool('cpu', { maxThreads: 4 })
  t.deepEqual(await cpu(), [1, 0, 3])
})

test('metrics in the form of OpenMetrics are those', async (t) => {
  const { afterwork, events } = await startAfterwork(t)
  const register = new Registry<OpenMetricsContentType>()
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const metrics = await afterwork.metrics({ register })
  const { url } = await listen(t, afterwork, (app) => app.use(metrics))
  await events.ended((await afterwork.addTask(tasks.steps.echo)).id)
  for (let i = 0; i < 2; i++) {
    const { headers, text } = await send(`${url}/metrics`)
    t.regex(headers['content-type']!, /^application\/openmetrics-text/)
    t.regex(text, /^afterwork_tasks_total\{task="steps.echo",queue="cpu",outcome="succeeded"\} 1$/m)
    t.true(text.endsWith('# EOF\n'))
  }
})

test('a thousand local functions are one task', async (t) => {
  const { afterwork, scrape, url } = await measured(t)
  let left = 1_000
  const all = new Promise<void>((resolve) =>
    afterwork.on('task.succeeded', () => void (--left === 0 && resolve())),
  )
  await send(`${url}/local/1000`)
  await all
  const { samples, value } = bound(await scrape())
  t.is(value('afterwork_tasks_total', { task: 'local', queue: 'local', outcome: 'succeeded' }), 1_000)
  t.is(samples('afterwork_tasks_total').length, 6)
})

test('after stop() nothing is sampled any more, and a scrape still answers without the queue', async (t) => {
  const { afterwork, scrape } = await measured(t)
  await afterwork.stop()
  const count = 'afterwork_event_loop_lag_seconds_count'
  const before = await scrape()
  block(200)
  await nextTurn()
  const after = await scrape()
  t.is(after.value(count), before.value(count))
  t.deepEqual(after.samples('afterwork_queue_depth'), [])
  t.is(after.value('afterwork_queue_oldest_seconds'), undefined)
})

test('before start() the queue is left out, and what starts then is counted from the first task', async (t) => {
  const afterwork = createAfterwork(quick)
  t.teardown(() => afterwork.stop())
  const { scrape } = await serveMetrics(t, afterwork)
  t.deepEqual((await scrape()).samples('afterwork_queue_depth'), [])
  await afterwork.start()
  const done = new Promise((resolve) => afterwork.once('task.succeeded', resolve))
  await afterwork.addTask(tasks.steps.echo)
  await done
  const { value } = bound(await scrape())
  t.is(value('afterwork_tasks_total', { task: 'steps.echo', outcome: 'succeeded' }), 1)
  t.is(value('afterwork_queue_depth', { state: 'queued' }), 0)
})

test("a registry of one's own takes the metrics among its own", async (t) => {
  const { afterwork } = await startAfterwork(t)
  const register = new Registry()
  new Gauge({ name: 'one_of_mine', help: 'One of mine', registers: [register] }).set(7)
  const metrics = await afterwork.metrics({ register, prefix: '/ops' })
  const { url } = await listen(t, afterwork, (app) => app.use(metrics))
  const served = new Exposition((await send(`${url}/ops/metrics`)).text)
  t.is(served.value('one_of_mine'), 7)
  t.deepEqual([...served.families.keys()], ['one_of_mine', ...Object.keys(names)])
  t.deepEqual([...new Exposition(await register.metrics()).families.keys()].slice(1), Object.keys(names))
  t.is((await send(`${url}/metrics`)).status, 404)
})

test('a registry that cannot take the metrics is refused, and gets none of them', async (t) => {
  const { afterwork } = await startAfterwork(t)
  const register = new Registry()
  new Counter({ name: 'afterwork_workers', help: 'Of somebody else', registers: [register] })
  const refused = { code: 'AFTERWORK_BAD_OPTION' }
  const error = await t.throwsAsync(afterwork.metrics({ register }), refused)
  t.regex(error.message, /afterwork_workers/)
  t.is(register.getMetricsAsArray().length, 1)
  for (const wrong of [null, {}, 'default', { registers: [register] }])
    await t.throwsAsync(afterwork.metrics({ register: wrong as any }), refused)
  await t.throwsAsync(afterwork.metrics({ registry: register } as any), refused)
  await t.throwsAsync(afterwork.metrics({ prefix: 1 as any }), refused)

  await t.notThrowsAsync(
    afterwork.metrics({ register: new Registry() }),
    'after a refusal it can be made right',
  )
})

test('asked again it counts nothing twice, and takes no other registry', async (t) => {
  const { afterwork, events, scrape } = await measured(t)
  await afterwork.metrics({ prefix: '/again' })
  await t.throwsAsync(afterwork.metrics({ register: new Registry() }), { code: 'AFTERWORK_BAD_OPTION' })
  await events.ended((await afterwork.addTask(tasks.steps.echo)).id)
  t.is((await scrape()).value('afterwork_tasks_total', { outcome: 'succeeded', task: 'steps.echo' }), 1)
})

test('without prom-client the app starts all the same, and metrics() says what to install', async (t) => {
  const file = join(import.meta.dirname, 'without-prom-client.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=afterwork-source', file])
  t.is(stdout, 'AFTERWORK_PACKAGE_MISSING Metrics need the package prom-client: npm install prom-client')
})
