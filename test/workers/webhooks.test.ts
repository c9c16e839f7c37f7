import { randomBytes } from 'node:crypto'
import type { EndedTask } from 'afterwork'
import test from 'ava'
import { Webhook } from 'standardwebhooks'
import { Endings } from '../support/endings.ts'
import { startReceiver, type Answering, type Receiver } from '../support/receiver.ts'
import { start, type Subject } from './http/subject.ts'
import { tasks } from './http/tasks.ts'

const endings = new Endings()
const secrets = [32, 24].map((bytes) => `whsec_${randomBytes(bytes).toString('base64')}`)
let receiver: Receiver
let subject: Subject
/** What the receiver answers, by path. */
const routes: Record<string, Answering> = {}
test.before(async () => {
  receiver = await startReceiver(endings, (response, request, index) => {
    const route = routes[request.path]
    if (route === undefined) response.writeHead(204).end()
    else route(response, request, index)
  })
  subject = await start(endings, {
    WEBHOOK_ALLOW: receiver.origin,
    AFTERWORK_WEBHOOK_SECRET: secrets.join(' '),
  })
})
test.after.always(() => endings.run())

const outcome: EndedTask = {
  id: 'an-id',
  name: 'reports.build',
  state: 'succeeded',
  attempt: 1,
  args: [],
  result: 'Grüße',
  error: null,
  addedAt: new Date(1),
  startedAt: new Date(2),
  endedAt: new Date(3),
}

async function deliver(url: string, allowedBy = receiver.origin, { afterwork, ended } = subject) {
  const task = await afterwork.addTask(tasks.webhooks.deliver, outcome, { url, allowedBy, prefix: '' })
  return { ...(await ended(task)), id: task.id }
}

function received(path: string) {
  return receiver.received.filter((request) => request.path === path)
}

test('an outcome is posted once, signed with every secret', async (t) => {
  const { id, state, value } = await deliver(`${receiver.origin}/signed?to=me`)
  t.is(state, 'succeeded')
  t.deepEqual(value, { status: 204 })
  const [request, ...others] = received('/signed?to=me')
  t.deepEqual(others, [])
  t.is(request!.method, 'POST')
  t.like(request!.headers, { 'content-type': 'application/json', 'webhook-id': id })
  t.regex(request!.headers['user-agent']!, /^afterwork\//)
  for (const secret of secrets) {
    const payload: any = new Webhook(secret).verify(request!.body, request!.headers as Record<string, string>)
    t.like(payload, { type: 'task.succeeded', data: { id: 'an-id', result: 'Grüße' } })
  }
})

test('a delivery that failed is made again, with the same id and body and a signature of its own', async (t) => {
  const statuses = [500, 404, 200]
  routes['/unsteady'] = (response) => response.writeHead(statuses[received('/unsteady').length - 1]!).end()
  const { id, state, attempt, value } = await deliver(`${receiver.origin}/unsteady`)
  t.deepEqual([state, attempt, value], ['succeeded', 3, { status: 200 }])
  const requests = received('/unsteady')
  t.deepEqual(new Set(requests.map(({ body }) => body)).size, 1)
  for (const { body, headers } of requests) {
    t.is(headers['webhook-id'], id)
    t.notThrows(() => new Webhook(secrets[0]!).verify(body, headers as Record<string, string>))
  }
})

test('a receiver that is gone is told nothing more', async (t) => {
  routes['/gone'] = (response) => response.writeHead(410).end()
  const { state, attempt, error } = await deliver(`${receiver.origin}/gone`)
  t.deepEqual([state, attempt, error!.code], ['failed', 1, 'HTTP_410'])
  t.is(error!.message, `Expected the webhook at ${receiver.origin} to succeed, got 410`)
})

test('a redirect is a failure, and is not followed', async (t) => {
  const inside = await startReceiver(t)
  routes['/redirect'] = (response) => response.writeHead(307, { Location: `${inside.origin}/` }).end()
  const { state, attempt, error } = await deliver(`${receiver.origin}/redirect`)
  t.deepEqual([state, attempt, error!.code], ['failed', 3, 'HTTP_307'])
  t.is(inside.connections, 0)
})

for (const status of [429, 503]) {
  test(`a receiver that answers ${status} is told no sooner than it asks`, async (t) => {
    routes[`/busy${status}`] = (response) => response.writeHead(status, { 'Retry-After': '600' }).end()
    const url = `${receiver.origin}/busy${status}`
    const target = { url, allowedBy: receiver.origin, prefix: '' }
    const task = await subject.afterwork.addTask(tasks.webhooks.deliver, outcome, target)
    const { runAt, at } = await subject.events.until('task.retried', ({ id }) => id === task.id)
    t.true(runAt - at >= 600_000)
  })
}

test('what a receiver says is not waited for, however much it is', async (t) => {
  routes['/endless'] = (response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  }
  const { state, value } = await deliver(`${receiver.origin}/endless`)
  t.deepEqual([state, value], ['succeeded', { status: 200 }])
})

test('a private address is refused unless its origin is allowed as it stands, and nobody is called', async (t) => {
  const inside = await startReceiver(t)
  const own = await start(t, {
    WEBHOOK_ALLOW: `localhost:${inside.port},*`,
    AFTERWORK_WEBHOOK_SECRET: secrets[0],
  })
  for (const [url, allowedBy] of [
    [`http://localhost:${inside.port}/`, `localhost:${inside.port}`],
    [`https://localhost:${inside.port}/`, '*'],
    [`${inside.origin}/`, '*'],
  ] as const) {
    const { attempt, error } = await deliver(url, allowedBy, own)
    t.deepEqual([attempt, error?.code], [1, 'HTTP_DESTINATION_REFUSED'], url)
  }
  t.is(inside.connections, 0)
})

test('a host that is not allowed any more is told nothing, and without a secret nobody is', async (t) => {
  const other = await startReceiver(t)
  const { attempt, error } = await deliver(`${other.origin}/`, other.origin)
  t.deepEqual([attempt, error?.code], [1, 'WEBHOOK_NOT_ALLOWED'])
  const unsigned = await start(t, { WEBHOOK_ALLOW: other.origin })
  t.is((await deliver(`${other.origin}/`, other.origin, unsigned)).error?.code, 'WEBHOOK_NO_SECRET')
  t.is(other.connections, 0)
})

test('a receiver that is not there is tried again, and the error tells no secret of its URL', async (t) => {
  const closed = await startReceiver(t)
  const { origin } = closed
  closed.close()
  const { afterwork, ended } = await start(t, { WEBHOOK_ALLOW: origin, AFTERWORK_WEBHOOK_SECRET: secrets[0] })
  const target = { url: `${origin}/hunter2?token=hunter2`, allowedBy: origin, prefix: '' }
  const { attempt, error } = await ended(await afterwork.addTask(tasks.webhooks.deliver, outcome, target))
  t.deepEqual([attempt, error?.code], [3, 'ECONNREFUSED'])
  t.notRegex(JSON.stringify(error), /hunter/)
})
