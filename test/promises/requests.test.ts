import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Afterwork, TaskDocument } from 'afterwork'
import test from 'ava'
import { pino } from 'pino'
import { listen, startAfterwork } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { send } from '../support/http.ts'
import { tasks } from './tasks.ts'

const endings = new Endings()
const lines: Record<string, any>[] = []
let afterwork: Afterwork
let events: EventLog
const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings, { tasks, logger }))
})
test.after.always(() => endings.run())

const { echo, fail, failUntil } = tasks.lives

async function anotherTaskRan(): Promise<void> {
  await events.ended((await afterwork.addTask(echo)).id)
}

test('after the response: a task starts when the last byte was sent, and not before', async (t) => {
  const body = new PassThrough()
  const happened: string[] = []
  let id = ''
  afterwork.on('task.started', (event) => void (event.id === id && happened.push('started')))
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      id = ctx.background.addTask(echo).id
      ctx.res.once('finish', () => happened.push('last byte'))
      ctx.body = body
    }),
  )
  body.write('first')
  const [incoming] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage]
  await anotherTaskRan()
  t.deepEqual(happened, [])
  t.is((await afterwork.records.get(id))?.state, 'queued')
  body.end()
  incoming.resume()
  await events.ended(id)
  t.deepEqual(happened, ['last byte', 'started'])
})

test('after the response: or when the connection has closed', async (t) => {
  let id = ''
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      id = ctx.background.addTask(echo).id
      ctx.body = new PassThrough()
      ctx.flushHeaders()
      ctx.res.write('first')
    }),
  )
  const [incoming] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage]
  await anotherTaskRan()
  t.deepEqual(events.life(id), ['task.added'])
  incoming.destroy()
  t.is(await events.ended(id), 'succeeded')
})

test('errors: a failed task does not touch the response, is logged with its stack, counted and kept', async (t) => {
  // Of its own, for others fail tasks beside it.
  const { afterwork, events } = await startAfterwork(t, { tasks, logger })
  const { url } = await listen(t, afterwork, (app) => {
    app.use(afterwork.routes())
    app.use((ctx) => {
      ctx.body = ctx.background.addTask(fail, 'on purpose').id
      ctx.background.addLocal(() => {
        throw new Error('on the main loop')
      })
      ctx.background.addTask(echo)
    })
  })
  const { status, text: id } = await send(url)
  t.is(status, 200)
  t.is(await events.ended(id), 'failed')
  const line = lines.find((logged) => logged['id'] === id && logged['msg'] === 'task failed')
  t.regex(line?.['err'].stack, /^RangeError: on purpose\n\s+at fail \(.*steps\.ts/)
  const group = (await afterwork.records.list({ limit: 3 })).map((record) => record.id)
  await Promise.all(group.map((one) => events.ended(one)))
  t.is((await afterwork.records.counters()).failed, 2)
  const shown: TaskDocument = (await send(`${url}/tasks/${id}`)).json
  t.like(shown, { state: 'failed', attempt: 1, error: { message: 'on purpose', code: 'TEST_FAILED' } })
})

test('errors: a failed task is run again if asked, as often as asked', async (t) => {
  const { id } = await afterwork.addTask(failUntil.with({ retries: 2, backoff: { first: 1 } }), 3)
  t.is(await events.ended(id), 'succeeded')
  t.is((await afterwork.records.get(id))?.attempt, 3)
  const { id: other } = await afterwork.addTask(failUntil.with({ retries: 1, backoff: { first: 1 } }), 3)
  t.is(await events.ended(other), 'failed')
  t.is((await afterwork.records.get(other))?.attempt, 2)
})

const refusals: [how: string, status: number, path: string][] = [
  ['throws', 500, '/throws'],
  ['answers >= 400', 409, '/answers'],
  ['sets no body or status', 404, '/nothing'],
]
for (const [how, status, path] of refusals) {
  test(`refused requests: when the handler ${how}, its tasks are dropped, unless keepOnError or committed`, async (t) => {
    const ids: string[] = []
    const { url } = await listen(t, afterwork, (app) =>
      app.use(async (ctx) => {
        ids.push(ctx.background.addTask(echo, 'committed').id)
        await ctx.background.commit()
        ids.push(ctx.background.addTask(echo, 'dropped').id)
        ids.push(ctx.background.addTask(echo.with({ keepOnError: true }), 'kept').id)
        if (path === '/throws') throw new Error('no')
        if (path === '/answers') ctx.status = 409
      }),
    )
    t.is((await send(url + path)).status, status)
    const [committed, dropped, kept] = ids as [string, string, string]
    t.is(await events.ended(committed), 'succeeded')
    t.is(await events.ended(kept), 'succeeded')
    t.deepEqual(events.life(dropped), ['task.dropped'])
    t.is(await afterwork.records.get(dropped), undefined)
    const line = lines.find((logged) => logged['id'] === dropped)
    t.is(line?.['msg'], 'task dropped with its request')
    if (path === '/nothing') t.regex(line?.['reason'], /404: no body or status was set/)
  })
}
