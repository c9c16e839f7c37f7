import test from 'ava'
import { send } from '../support/http.ts'
import { start, startApp } from './bench.ts'
import { lines } from './fixtures/notes.ts'
import { tasks } from './fixtures/tasks.ts'

test.serial(
  'a task of a request is seen as soon as the answer is, and runs at drain() and not before',
  async (t) => {
    const { url, afterwork } = await startApp(t, (app) =>
      app.use((ctx) => {
        ctx.background.addTask(tasks.mail.sendEmail, { to: 'ada@example.org', subject: 'Hello' })
        ctx.status = 202
      }),
    )
    t.is((await send(url)).status, 202)
    const [added] = afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }], { times: 1 })
    t.deepEqual(added?.args, [{ to: 'ada@example.org', subject: 'Hello' }])
    t.deepEqual(lines, [])
    const ended = await afterwork.drain()
    t.deepEqual(lines, ['to ada@example.org x1'])
    t.like(ended, [{ name: 'mail.sendEmail', state: 'succeeded', attempt: 1, result: 'ada@example.org' }])
    t.deepEqual(await afterwork.drain(), [])
  },
)

test.serial(
  'a task of a transaction is added at once: no database is there that could commit it',
  async (t) => {
    const afterwork = await start(t)
    const client = { query: () => t.fail() as never }
    const { id } = await afterwork.addTask(tasks.notes.note.with({ client }), 'in a transaction')
    t.is(afterwork.assertAdded(tasks.notes.note, ['in a transaction'])[0]?.id, id)
    await afterwork.drain()
    t.deepEqual(lines, ['in a transaction'])
  },
)

test.serial('drain() waits for a response that goes on', async (t) => {
  let end = (): void => {}
  const { url, afterwork } = await startApp(t, (app) =>
    app.use(async (ctx) => {
      ctx.background.addTask(tasks.notes.note, 'after the response')
      await ctx.background.commit()
      ctx.respond = false
      ctx.res.write('begun')
      end = () => {
        lines.push('the response ends')
        ctx.res.end()
      }
      arrived.resolve()
    }),
  )
  const arrived = Promise.withResolvers<void>()
  const answer = send(url)
  await arrived.promise
  const draining = afterwork.drain()
  end()
  await Promise.all([answer, draining])
  t.deepEqual(lines, ['the response ends', 'after the response'])
})

test.serial('a response that never closes is named, in place of a test that hangs', async (t) => {
  const { url, afterwork } = await startApp(t, (app) =>
    app.use(async (ctx) => {
      ctx.background.addTask(tasks.notes.note, 'never')
      await ctx.background.commit()
      ctx.respond = false
      ctx.res.write('begun')
      arrived.resolve()
    }),
  )
  const arrived = Promise.withResolvers<void>()
  const answer = send(url).catch(() => {})
  await arrived.promise
  await t.throwsAsync(afterwork.drain({ within: 30 }), {
    code: 'AFTERWORK_NOT_DRAINED',
    message: /notes\.note waits for its response to close/,
  })
  void answer
})

test.serial('tasks of a request that was refused are dropped, but for those that want to stay', async (t) => {
  const { url, afterwork } = await startApp(t, (app) =>
    app.use((ctx) => {
      ctx.background.addTask(tasks.notes.note, 'dropped')
      ctx.background.addTask(tasks.notes.note.with({ keepOnError: true }), 'kept')
      throw new Error('the handler fails')
    }),
  )
  t.is((await send(url)).status, 500)
  afterwork.assertNotAdded(tasks.notes.note, ['dropped'])
  afterwork.assertAdded(tasks.notes.note, ['kept'], { keepOnError: true })
  await afterwork.drain()
  t.deepEqual(lines, ['kept'])
})

test.serial('the tasks of a request keep their order, local functions among them', async (t) => {
  const { url, afterwork } = await startApp(t, (app) =>
    app.use((ctx) => {
      ctx.background.addTask(tasks.notes.overlap, 'first')
      ctx.background.addLocal(function audit() {
        lines.push('local')
      })
      ctx.background.addTask(tasks.mail.sendEmail, { to: 'b', subject: '' })
      ctx.body = 'ok'
    }),
  )
  await send(url)
  t.deepEqual(
    afterwork.added.map(({ name }) => name),
    ['notes.overlap', 'local.audit', 'mail.sendEmail'],
  )
  await afterwork.drain()
  t.deepEqual(lines, ['first begins', 'first ends', 'local', 'to b x1'])
})

test.serial(
  'tasks run one at a time, whatever their pools; the one with the higher priority first',
  async (t) => {
    const afterwork = await start(t)
    await afterwork.addTask(tasks.notes.overlap, 'low')
    await afterwork.addTask(tasks.notes.overlap.with({ priority: 5 }), 'high')
    await afterwork.addTask(tasks.notes.overlap.with({ pool: 'mail' }), 'other')
    await afterwork.addTask(tasks.notes.overlap.with({ batch: true, priority: -1 }), 'a')
    await afterwork.addTask(tasks.notes.overlap.with({ batch: true, priority: -1 }), 'b')
    await afterwork.drain()
    t.is(lines.length, 10)
    for (let at = 0; at < lines.length; at += 2)
      t.is(lines[at + 1], lines[at]!.replace('begins', 'ends'), lines.join(', '))
    t.true(lines.indexOf('high begins') < lines.indexOf('low begins'))
  },
)

test.serial('follow-ups and onEnded run in the same drain()', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.notes.chain.with({ onEnded: tasks.notes.ended }), 2)
  const ended = await afterwork.drain()
  t.deepEqual(lines.toSorted(), ['chain 0', 'chain 1', 'chain 2', 'notes.chain succeeded'])
  t.is(ended.length, 4)
  t.is(afterwork.added.length, 4)
  afterwork.assertAdded(tasks.notes.ended, [{ name: 'notes.chain', state: 'succeeded' }], { times: 1 })
})

test.serial('an error of a task is the cause of what drain() throws', async (t) => {
  const afterwork = await start(t)
  const { id } = await afterwork.addTask(tasks.notes.fail, 'it broke')
  await afterwork.addTask(tasks.notes.note, 'the next')
  const error = await t.throwsAsync(afterwork.drain(), {
    code: 'AFTERWORK_TASK_FAILED',
    message: 'notes.fail failed at attempt 1: it broke',
  })
  const cause = error?.cause as Error
  t.like(cause, { name: 'RangeError', code: 'TEST_FAILED', message: 'it broke' })
  t.regex(cause.stack!, /notes\.ts/)
  t.deepEqual(lines, ['the next'])
  t.like(await afterwork.records.get(id), { state: 'failed', attempt: 1 })
  t.deepEqual(await afterwork.drain(), [])
})

test.serial('a failure that will be retried is one, unless failures are allowed', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.mail.flaky, 1)
  await t.throwsAsync(afterwork.drain(), { code: 'AFTERWORK_TASK_FAILED', message: /failure 1/ })
  await afterwork.addTask(tasks.mail.flaky, 1)
  t.deepEqual(await afterwork.drain({ allowFailures: true }), [])
  t.is((await afterwork.records.counters()).scheduled, 2)
})

test.serial('onlyAfterSuccess, and a failed predecessor', async (t) => {
  const { url, afterwork } = await startApp(t, (app) =>
    app.use((ctx) => {
      ctx.background.addTask(tasks.notes.fail, 'first')
      ctx.background.addTask(tasks.notes.note, 'goes on')
      ctx.background.addTask(tasks.notes.note.with({ onlyAfterSuccess: true }), 'not')
      ctx.body = 'ok'
    }),
  )
  await send(url)
  const ended = await afterwork.drain({ allowFailures: true })
  t.deepEqual(ended.map(({ args, state }) => `${String(args[0])} ${state}`).toSorted(), [
    'first failed',
    'goes on succeeded',
    'not cancelled',
  ])
  t.deepEqual(lines, ['goes on'])
})

test.serial('of tasks with one unique key one is added', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.notes.note.with({ unique: 'key' }), 'once')
  await afterwork.addTask(tasks.notes.note.with({ unique: 'key' }), 'twice')
  afterwork.assertAdded(tasks.notes.note, [], { times: 1, unique: 'key' })
  await afterwork.drain()
  t.deepEqual(lines, ['once'])
})

test.serial('a task that hangs is named, in place of a test that does', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.notes.hang)
  await t.throwsAsync(afterwork.drain({ within: 30 }), {
    code: 'AFTERWORK_NOT_DRAINED',
    message: 'drain() waited for 30 ms: notes.hang runs, at attempt 1',
  })
  await t.throwsAsync(afterwork.drain({ within: 'soon' as '1s' }), { code: 'AFTERWORK_BAD_OPTION' })
  await t.throwsAsync(afterwork.drain({ allowFailure: true } as object), { code: 'AFTERWORK_BAD_OPTION' })
})

test.serial('a paused pool starts nothing; resumed, it does', async (t) => {
  const afterwork = await start(t)
  await afterwork.pausePool('cpu')
  await afterwork.addTask(tasks.notes.note, 'at last')
  t.deepEqual(await afterwork.drain(), [])
  await afterwork.resumePool('cpu')
  await afterwork.drain()
  t.deepEqual(lines, ['at last'])
})

test.serial('two drains at once share what is done', async (t) => {
  const afterwork = await start(t)
  for (const text of ['a', 'b', 'c']) await afterwork.addTask(tasks.notes.note, text)
  const ended = (await Promise.all([afterwork.drain(), afterwork.drain()])).flat()
  t.is(ended.length, 3)
  await afterwork.addTask(tasks.notes.note, 'd')
  t.is(lines.length, 3, 'the gate is shut again')
})
