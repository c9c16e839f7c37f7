import { readFile } from 'node:fs/promises'
import test from 'ava'
import { testAfterwork } from 'afterwork/testing'
import { upload } from 'afterwork/upload'
import type { StoredFile } from 'afterwork/worker'
import { listen } from '../support/app.ts'
import { EventLog } from '../support/events.ts'
import { send } from '../support/http.ts'
import { start, startApp } from './bench.ts'
import { lines, torn } from './fixtures/notes.ts'
import { tasks as otherTasks } from './fixtures/other-tasks.ts'
import { tasks } from './fixtures/tasks.ts'
import { tasks as brokenTasks } from './fixtures/broken-tasks.ts'

const inline = { mode: 'inline' } as const

test.serial('a task runs by itself once its response has closed', async (t) => {
  const { url, afterwork } = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        ctx.res.once('close', () => lines.push('closed'))
        ctx.background.addTask(tasks.notes.note, 'after')
        ctx.body = 'ok'
      }),
    inline,
  )
  const succeeded = new Promise((resolve) => afterwork.once('task.succeeded', resolve))
  await send(url)
  await succeeded
  t.deepEqual(lines, ['closed', 'after'])
  t.like(await afterwork.drain(), [{ name: 'notes.note', state: 'succeeded' }])
})

test.serial('a task knows what it would know on a thread, and nothing of the request', async (t) => {
  const { url, afterwork } = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        ctx.body = ctx.background.addTask(tasks.notes.about)
      }),
    inline,
  )
  const events = new EventLog(afterwork)
  const { id } = (await send(url)).json as { id: string }
  const [ended] = await afterwork.drain()
  t.deepEqual(ended?.result, {
    id,
    name: 'notes.about',
    attempt: 1,
    aborted: false,
    isMainThread: true,
    inRequest: false,
  })
  t.like(events.of('task.progress'), [{ id, progress: { fraction: 0.5, message: 'half' } }])
  t.like(events.of('task.log'), [{ id, level: 'warn', message: 'careful', fields: { n: 1 } }])
})

test.serial('arguments and results cross as they do to a thread', async (t) => {
  const afterwork = await start(t, inline)
  const list = ['given']
  const given = [new Date(5), 7n, new Uint8Array([1, 2]), undefined, { $: 1 }, list]
  await afterwork.addTask(tasks.notes.echo, ...given)
  list.push('too late')
  await afterwork.addTask(tasks.notes.spoil, list)
  const ended = await afterwork.drain({ allowFailures: true })
  t.like(ended, [{ state: 'failed' }, { result: ['given', 'too late', 'spoilt'] }])
  t.regex(ended[0]!.error!.message, /the result of notes\.echo\[3\]/)
  t.deepEqual(list, ['given', 'too late'])
  await afterwork.addTask(tasks.notes.echo, new Date(5), 7n, new Uint8Array([1, 2]), { $: 1 })
  t.deepEqual((await afterwork.drain())[0]?.result, [new Date(5), 7n, new Uint8Array([1, 2]), { $: 1 }])
  await t.throwsAsync(
    afterwork.addTask(tasks.notes.echo, () => {}),
    { code: 'AFTERWORK_BAD_VALUE' },
  )
  await afterwork.addTask(tasks.notes.giveFunction)
  await t.throwsAsync(afterwork.drain(), { message: /the result of notes\.giveFunction/ })
})

test.serial('what is thrown that is no error is told as on a thread', async (t) => {
  const afterwork = await start(t, inline)
  await afterwork.addTask(tasks.notes.fail, 'at last')
  const error = await t.throwsAsync(afterwork.drain())
  t.like(error?.cause, { message: 'at last' })
})

test.serial('a task that is cancelled is asked to stop, and has a second to do so', async (t) => {
  const afterwork = await start(t, inline)
  const started = new Promise((resolve) => afterwork.once('task.started', resolve))
  const { id } = await afterwork.addTask(tasks.notes.untilStopped)
  await started
  await afterwork.cancel(id)
  const [ended] = await afterwork.drain()
  t.like(ended, { state: 'cancelled', error: { code: 'AFTERWORK_CANCELLED' } })
})

test.serial('stop() leaves nothing open, though a task hangs and another waits', async (t) => {
  const afterwork = testAfterwork({ tasks, ...inline })
  await afterwork.start()
  const started = new Promise((resolve) => afterwork.once('task.started', resolve))
  await afterwork.addTask(tasks.notes.hang)
  await afterwork.addTask(tasks.notes.note.with({ delay: '1h' }), 'never')
  await started
  await afterwork.stop()
  await t.throwsAsync(afterwork.addTask(tasks.notes.note, 'x'), { code: 'AFTERWORK_STOPPED' })
  await t.throwsAsync(afterwork.drain(), { code: 'AFTERWORK_STOPPED' })
  t.deepEqual(
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
    [],
  )
})

test.serial('several at once do not know of each other', async (t) => {
  const first = await start(t, inline)
  const second = testAfterwork({ tasks: otherTasks })
  t.teardown(() => second.stop())
  await second.start()
  await second.addTask(otherTasks.notes.note, 'of the second')
  await first.addTask(tasks.notes.note, 'of the first')
  await first.drain()
  t.deepEqual(lines, ['of the first'])
  t.is(second.added.length, 1)
  t.throws(() => second.assertAdded(tasks.notes.note), { code: 'AFTERWORK_BAD_TASK' })
  await second.drain()
  t.deepEqual(lines, ['of the first', 'of the second'])
})

test.serial('names that are misspelled are refused, and modules that do not load', async (t) => {
  const afterwork = await start(t, inline)
  const misspelled = (tasks.notes as unknown as Record<string, typeof tasks.notes.note>)['nota']!
  await t.throwsAsync(afterwork.addTask(misspelled, 'x'), {
    code: 'AFTERWORK_UNKNOWN_TASK',
    message: /did you mean "notes\.note"/,
  })
  await t.throwsAsync(afterwork.addTask(tasks.notes.note.with({ pool: 'cpuu' }), 'x'), {
    code: 'AFTERWORK_BAD_OPTION',
  })
  const broken = testAfterwork({ tasks: brokenTasks })
  t.teardown(() => broken.stop().catch(() => {}))
  await t.throwsAsync(broken.start(), {
    code: 'AFTERWORK_TASKS_FILE',
    message: /^Cannot load module bad of .*: there is no such module$/,
  })
})

test.serial('before start() nothing can be added, run or asked', async (t) => {
  const afterwork = testAfterwork({ tasks })
  t.teardown(() => afterwork.stop())
  await t.throwsAsync(afterwork.addTask(tasks.notes.note, 'x'), { code: 'AFTERWORK_NOT_STARTED' })
  await t.throwsAsync(afterwork.drain(), { code: 'AFTERWORK_NOT_STARTED' })
  await t.throwsAsync(afterwork.advance('1s'), { code: 'AFTERWORK_NOT_STARTED' })
  t.throws(() => afterwork.assertNotAdded(tasks.notes.note), { code: 'AFTERWORK_NOT_STARTED' })
})

test.serial('wrong options are refused; those of the app can be spread into them', async (t) => {
  const wrong = [
    { mode: 'eager' },
    { now: 'today' },
    { now: new Date(NaN) },
    { maxQueue: 1 },
    { pools: { cpu: { maxThreads: 0 } } },
  ]
  for (const options of wrong)
    t.throws(() => testAfterwork({ tasks, ...(options as object) }), { code: 'AFTERWORK_BAD_OPTION' })
  t.throws(() => testAfterwork({ tasks: {} }), { code: 'AFTERWORK_BAD_OPTION' })
  const afterwork = await start(t, { queue: 'sqlite:/nowhere/queue.db', pools: { own: {} }, maxQueued: 1 })
  await afterwork.addTask(tasks.notes.note.with({ pool: 'own' }), 'x')
  await t.throwsAsync(afterwork.addTask(tasks.notes.note, 'y'), { code: 'AFTERWORK_QUEUE_FULL' })
  t.is(afterwork.added.length, 1)
})

test.serial('teardown() calls that of the modules, and stop() does not', async (t) => {
  const afterwork = testAfterwork({ tasks })
  await afterwork.start()
  await afterwork.stop()
  t.is(torn.down, 0)
  await afterwork.teardown()
  t.is(torn.down, 1)
})

test.serial('the routes of operators show what is there', async (t) => {
  const { url, afterwork } = await startApp(t, (app) => app.use(afterworkRoutes), inline)
  function afterworkRoutes(...args: Parameters<ReturnType<typeof afterwork.routes>>): unknown {
    return afterwork.routes()(...args)
  }
  const { id } = await afterwork.addTask(tasks.mail.flaky, 9)
  await afterwork.drain({ allowFailures: true })
  t.like((await send(`${url}/tasks/${id}`)).json, { id, state: 'scheduled', attempt: 1 })
  t.is((await send(`${url}/tasks/${id}/cancel`, { method: 'POST' })).status, 202)
  t.like((await send(`${url}/pools`)).json, { pools: [{ name: 'cpu', running: 0 }, { name: 'mail' }] })
})

test.serial('uploads go to a folder of their own, which stop() removes', async (t) => {
  const afterwork = testAfterwork({ tasks, ...inline })
  t.teardown(() => afterwork.stop())
  await afterwork.start()
  const { url } = await listen(t, afterwork, (app) =>
    app.use(upload({ afterwork }).single('file')).use((ctx) => {
      ctx.background.addTask(tasks.notes.echo, ctx.file)
      ctx.body = 'ok'
    }),
  )
  const form = new FormData()
  form.set('file', new Blob(['what is in it']), 'a.txt')
  t.is((await fetch(url, { method: 'POST', body: form })).status, 200)
  const [ended] = await afterwork.drain()
  const [file] = ended!.result as [StoredFile]
  t.is(await readFile(file.path, 'utf8'), 'what is in it')
  await afterwork.stop()
  await t.throwsAsync(readFile(file.path), { code: 'ENOENT' })
})

test.serial('what waits can be cancelled, and what failed be retried, by hand', async (t) => {
  const afterwork = await start(t)
  const waiting = await afterwork.addTask(tasks.notes.note, 'never')
  await afterwork.cancel(waiting.id)
  t.like(await afterwork.drain(), [{ id: waiting.id, state: 'cancelled', attempt: 0 }])
  await afterwork.retry(waiting.id)
  t.like(await afterwork.drain(), [{ id: waiting.id, state: 'succeeded', attempt: 1 }])
  t.deepEqual(lines, ['never'])
})

test.serial('stop() ends a drain() that goes on', async (t) => {
  const afterwork = testAfterwork({ tasks })
  await afterwork.start()
  await afterwork.addTask(tasks.notes.untilStopped)
  const started = new Promise((resolve) => afterwork.once('task.started', resolve))
  const draining = afterwork.drain({ within: '1h' })
  await started
  await afterwork.stop()
  t.deepEqual(await draining, [])
})

test.serial('what runs is shown with its pool, and cancelled in its turn', async (t) => {
  const afterwork = await start(t)
  const first = await afterwork.addTask(tasks.notes.untilStopped.with({ batch: true }))
  const second = await afterwork.addTask(tasks.notes.note.with({ batch: true }), 'never')
  const started = new Promise((resolve) => afterwork.once('task.started', resolve))
  const draining = afterwork.drain()
  await started
  t.is(afterwork.pools().find(({ name }) => name === 'cpu')?.running, 2)
  await afterwork.cancel(second.id)
  await afterwork.cancel(first.id)
  t.deepEqual(
    (await draining).map(({ state }) => state),
    ['cancelled', 'cancelled'],
  )
  t.deepEqual(lines, [])
})

test.serial('a task that a handler adds for itself knows nothing of the request either', async (t) => {
  const { url, afterwork } = await startApp(
    t,
    (app) =>
      app.use(async (ctx) => {
        ctx.body = await afterwork.addTask(tasks.notes.about)
      }),
    inline,
  )
  await send(url)
  t.like((await afterwork.drain())[0]?.result, { inRequest: false })
})

test.serial('stop() ends a drain() that waits for a response', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { url, afterwork } = await startApp(t, (app) =>
    app.use(async (ctx) => {
      ctx.background.addTask(tasks.notes.note, 'never')
      await ctx.background.commit()
      ctx.respond = false
      ctx.res.write('begun')
      arrived.resolve()
    }),
  )
  const answer = send(url).catch(() => {})
  await arrived.promise
  const draining = afterwork.drain({ within: '1h' })
  await afterwork.stop()
  t.deepEqual(await draining, [])
  void answer
})

test.serial(
  'a task is chosen when it is its turn, so that one of more priority may come before it',
  async (t) => {
    const afterwork = await start(t)
    await afterwork.addTask(tasks.notes.addUrgent)
    await afterwork.addTask(tasks.notes.note, 'waits')
    await afterwork.drain()
    t.deepEqual(lines, ['urgent', 'waits'])
  },
)

test.serial('listeners of failures are told as in production', async (t) => {
  const afterwork = await start(t, inline)
  const failed: string[] = []
  afterwork.onFailed(({ name, error }) => void failed.push(`${name}: ${error?.message}`))
  await afterwork.addTask(tasks.notes.fail, 'it broke')
  await afterwork.drain({ allowFailures: true })
  t.deepEqual(failed, ['notes.fail: it broke'])
})
