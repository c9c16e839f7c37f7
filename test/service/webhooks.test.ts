import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { Webhook } from 'standardwebhooks'
import { Endings } from '../support/endings.ts'
import { post, send, type Answer } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { serveCommand } from '../support/process.ts'
import { startReceiver, type ReceivedRequest, type Receiver } from '../support/receiver.ts'
import { namesIn, serve, type TestService } from '../support/service.ts'
import { temporaryFolder } from '../support/folder.ts'

const endings = new Endings()
const secret = `whsec_${randomBytes(32).toString('base64')}`
let receiver: Receiver
let service: TestService
test.before(async () => {
  receiver = await startReceiver(endings)
  service = await serve(endings, ['--webhook-allow', receiver.origin], { AFTERWORK_WEBHOOK_SECRET: secret })
})
test.after.always(() => endings.run())

const mail = { subject: 'Hi', text: 'Hi' }

function idsOf({ status, text, json }: Answer): string[] {
  if (status !== 202) throw new Error(text)
  return (json as { tasks: { id: string }[] }).tasks.map(({ id }) => id)
}

/** What a webhook says, once its signature is known. */
function verified({ body, headers }: ReceivedRequest): any {
  return new Webhook(secret).verify(body, headers as Record<string, string>)
}

/** The first webhook about a task. */
async function about(id: string, at = receiver): Promise<any> {
  return verified(await at.until(({ body }) => body.includes(`"${id}"`)))
}

/** The tasks that a service has ever known. */
async function tasksOf({ url }: TestService): Promise<{ id: string; name: string; state: string }[]> {
  return (await send(`${url}/tasks?limit=200`)).json.tasks
}

test('the outcome of a task is posted to the Webhook-Url of its request, as GET /tasks shows it', async (t) => {
  const url = `${service.url}/send-email`
  const [id] = idsOf(
    await post(url, { ...mail, to: 'a@example.org' }, { 'Webhook-Url': `${receiver.origin}/a?b=c` }),
  )
  const { type, timestamp, data } = await about(id!)
  t.is(type, 'task.succeeded')
  const {
    arguments: _arguments,
    progress: _progress,
    ...shown
  } = (await send(`${service.url}/tasks/${id}`)).json
  t.deepEqual(data, shown)
  t.is(timestamp, shown.endedAt)
  t.is(receiver.received.find(({ body }) => body.includes(id!))!.path, '/a?b=c')
})

test('each task of a request is told of, once and with an id of its own', async (t) => {
  const to = ['b1@example.org', 'b2@example.org', 'b3@example.org']
  const headers = { 'Webhook-Url': `${receiver.origin}/each` }
  const ids = idsOf(await post(`${service.url}/send-email`, { ...mail, to }, headers))
  const told = await Promise.all(ids.map((id) => about(id)))
  t.deepEqual(
    told.map(({ data }) => data.id),
    ids,
  )
  const requests = receiver.received.filter(({ path }) => path === '/each')
  t.is(new Set(requests.map(({ headers }) => headers['webhook-id'])).size, 3)
})

test('the upload of a task is not kept for the sake of its webhook, nor are its arguments', async (t) => {
  const headers = { 'Webhook-Url': `${receiver.origin}/upload` }
  const form = fileForm('Hello', 'notes.txt')
  const answer = await send(`${service.url}/upload-file`, {
    ...form,
    headers: { ...form.headers, ...headers },
  })
  const [id] = idsOf(answer)
  t.is((await about(id!)).data.id, id)
  const [delivery] = (await tasksOf(service)).filter(({ name }) => name === 'webhooks.deliver')
  const { arguments: args } = (await send(`${service.url}/tasks/${delivery!.id}`)).json
  t.deepEqual(args[0].args, [])
  await service.events.ended(delivery!.id)
  const usage = await service.afterwork.records.file(answer.json.files[0].id)
  t.like(usage, { inUse: false })
})

test('a task that is cancelled is told of as well', async (t) => {
  const headers = { 'Webhook-Url': `${receiver.origin}/cancelled` }
  const later = { ...mail, to: 'c@example.org', delay: '1h' }
  const [id] = idsOf(await post(`${service.url}/send-email`, later, headers))
  t.is((await send(`${service.url}/tasks/${id}/cancel`, { method: 'POST' })).status, 202)
  t.like(await about(id!), {
    type: 'task.cancelled',
    data: { state: 'cancelled', attempt: 0, startedAt: null },
  })
})

test('a request without Webhook-Url tells nobody, and with one that is a GET neither', async (t) => {
  const [id] = idsOf(await post(`${service.url}/send-email`, { ...mail, to: 'd@example.org' }))
  await service.events.ended(id!)
  const answer = await send(`${service.url}/tasks/${id}`, { headers: { 'Webhook-Url': 'nonsense' } })
  t.is(answer.status, 200)
  t.false(receiver.received.some(({ body }) => body.includes(id!)))
})

const refused: [what: string, header: string | string[], code: string][] = [
  ['of another host', 'https://hooks.example.com/', 'WEBHOOK_NOT_ALLOWED'],
  ['of another port', 'http://127.0.0.1:9/', 'WEBHOOK_NOT_ALLOWED'],
  ['of a metadata service', 'http://169.254.169.254/latest/meta-data/', 'WEBHOOK_NOT_ALLOWED'],
  ['that is no URL', 'hooks.example.com', 'BAD_WEBHOOK_URL'],
  ['that is empty', '', 'BAD_WEBHOOK_URL'],
  ['of a file', 'file:///etc/passwd', 'BAD_WEBHOOK_URL'],
  ['with a password', 'https://user:hunter2@hooks.example.com/', 'BAD_WEBHOOK_URL'],
  ['that is too long', `https://hooks.example.com/${'x'.repeat(2_000)}`, 'BAD_WEBHOOK_URL'],
  ['that comes twice', ['https://hooks.example.com/', 'https://hooks.example.com/'], 'BAD_WEBHOOK_URL'],
]

for (const [what, header, code] of refused) {
  test(`a Webhook-Url ${what} is refused, and nothing is stored`, async (t) => {
    const own = await serve(t, ['--webhook-allow', receiver.origin], { AFTERWORK_WEBHOOK_SECRET: secret })
    const before = await namesIn(own.data)
    const headers = { 'Webhook-Url': header }
    const form = fileForm('Hello', 'notes.txt')
    const answers = [
      await post(`${own.url}/send-email`, { ...mail, to: 'e@example.org' }, headers),
      await send(`${own.url}/upload-file`, { ...form, headers: { ...form.headers, ...headers } }),
    ]
    for (const { status, json } of answers) {
      t.deepEqual([status, json.code], [422, code])
      t.notRegex(json.detail, /hunter/)
    }
    t.deepEqual(await tasksOf(own), [])
    t.deepEqual(await namesIn(own.data), before)
  })
}

test('where none is configured every Webhook-Url is refused', async (t) => {
  const own = await serve(t)
  const headers = { 'Webhook-Url': `${receiver.origin}/` }
  const { status, json } = await post(`${own.url}/send-email`, { ...mail, to: 'f@example.org' }, headers)
  t.deepEqual([status, json.code], [422, 'WEBHOOK_NOT_ALLOWED'])
  t.deepEqual(await tasksOf(own), [])
})

test('a receiver that fails is tried again in seconds, with days to come', async (t) => {
  const failing = await startReceiver(t, (response) => response.writeHead(500).end())
  const args = ['--webhook-allow', failing.origin]
  const own = await serve(t, args, { AFTERWORK_WEBHOOK_SECRET: secret })
  const headers = { 'Webhook-Url': `${failing.origin}/` }
  await post(`${own.url}/send-email`, { ...mail, to: 'g@example.org' }, headers)
  const { runAt, at, failure, name } = await own.events.until('task.retried')
  t.deepEqual([name, failure.code], ['webhooks.deliver', 'HTTP_500'])
  t.true(runAt - at >= 3_750 && runAt - at <= 5_000)
})

/** Starts the service as a process of its own on this data, which an earlier one may have left behind. */
function startProcess(t: ExecutionContext, to: Receiver, data: string) {
  return serveCommand(t, ['--data', data, '--webhook-allow', to.origin, '--pool-max', '1'], {
    AFTERWORK_WEBHOOK_SECRET: secret,
  })
}

test('an outcome that was stored is told of, though the service was killed before it could be', async (t) => {
  const own = await startReceiver(t)
  const data = await temporaryFolder(t)
  const first = await startProcess(t, own, data)
  const url = await first.listening()
  t.is((await send(`${url}/pools/http/pause`, { method: 'POST' })).status, 200)
  const headers = { 'Webhook-Url': `${own.origin}/` }
  const [id] = idsOf(await post(`${url}/send-email`, { ...mail, to: 'h@example.org' }, headers))
  // One POST after the other until the task has ended; its delivery waits.
  while ((await send(`${url}/tasks/${id}`)).json.state !== 'succeeded');
  first.child.kill('SIGKILL')
  await first.ended
  t.is(own.connections, 0)
  const second = await startProcess(t, own, data)
  const again = await second.listening()
  await send(`${again}/pools/http/resume`, { method: 'POST' })
  t.like(await about(id!, own), { type: 'task.succeeded', data: { id } })
})

test('a delivery that was under way when the service was killed is made again, with the same id', async (t) => {
  const own = await startReceiver(t, (response, _request, index) => void (index > 0 && response.end()))
  const data = await temporaryFolder(t)
  const first = await startProcess(t, own, data)
  const headers = { 'Webhook-Url': `${own.origin}/` }
  await post(`${await first.listening()}/send-email`, { ...mail, to: 'i@example.org' }, headers)
  const before = await own.until(() => true)
  first.child.kill('SIGKILL')
  await first.ended
  await (await startProcess(t, own, data)).listening()
  const after = await own.until((_request, index) => index === 1)
  t.is(after.headers['webhook-id'], before.headers['webhook-id'])
  t.is(after.body, before.body)
  t.notThrows(() => verified(after))
})
