import test from 'ava'
import { Endings } from '../support/endings.ts'
import { startReceiver, type Answering, type Receiver } from '../support/receiver.ts'
import { start, type Subject } from './http/subject.ts'
import { tasks } from './http/tasks.ts'

const endings = new Endings()
let api: Receiver
let subject: Subject
/** What the API answers, by path. */
const routes: Record<string, Answering> = {}
test.before(async () => {
  api = await startReceiver(endings, (response, request, index) => {
    const route = routes[request.path.split('?', 1)[0]!]
    if (route === undefined) response.writeHead(204).end()
    else route(response, request, index)
  })
  // The tests' API is on this machine, and another is not meant.
  subject = await start(endings, {
    AFTERWORK_HTTP_ALLOW: `api.example.com, 127.0.0.1:${api.port}`,
    HTTP_SECRET_API: 'Bearer hunter2',
    PRIVATE_KEY: 'hunter3',
  })
})
test.after.always(() => endings.run())

type Given = Parameters<typeof tasks.http.request.with>[0]

/** Runs one request to its end. */
async function run(given: unknown, options: Given = {}) {
  const task = await subject.afterwork.addTask(tasks.http.request.with(options), given as { url: string })
  return { ...(await subject.ended(task)), id: task.id }
}

/** What came at a path. */
function received(path: string) {
  return api.received.filter((request) => request.path === path)
}

test('JSON goes out and comes back, with the id of the task as Idempotency-Key', async (t) => {
  routes['/invoices'] = (response) => {
    response.writeHead(201, { 'Content-Type': 'application/json; charset=utf-8', 'Set-Cookie': 'session=1' })
    response.end(JSON.stringify({ number: 7, name: 'Grüße' }))
  }
  const url = `${api.origin}/invoices`
  const { id, state, value } = await run({ method: 'POST', url, body: { order: 5, text: 'ü' } })
  t.is(state, 'succeeded')
  t.like(value, { status: 201, url, body: { number: 7, name: 'Grüße' }, truncated: false })
  t.is(value.headers['content-type'], 'application/json; charset=utf-8')
  t.false('set-cookie' in value.headers)
  const [request] = received('/invoices')
  t.like(request, { method: 'POST', body: '{"order":5,"text":"ü"}' })
  t.like(request!.headers, { 'content-type': 'application/json', 'idempotency-key': id })
  t.regex(request!.headers['user-agent']!, /^afterwork\/\d+\.\d+\.\d+/)
})

test('text and bytes go out as they are; a key of the caller wins', async (t) => {
  const url = `${api.origin}/as-it-is`
  await run({ method: 'PUT', url, body: 'plain', idempotencyKey: 'mine' })
  await run({ method: 'PUT', url, body: new Uint8Array([97, 98]), headers: { 'Content-Type': 'image/png' } })
  t.deepEqual(
    received('/as-it-is').map(({ body, headers }) => [body, headers['content-type']]),
    [
      ['plain', 'text/plain; charset=utf-8'],
      ['ab', 'image/png'],
    ],
  )
  t.is(received('/as-it-is')[0]!.headers['idempotency-key'], 'mine')
})

test('an answer that is no JSON, though it says so, or too deep for a result, is text', async (t) => {
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  for (const [index, body] of ['{"broken":', deep].entries()) {
    routes[`/odd${index}`] = (response) =>
      response.writeHead(200, { 'Content-Type': 'application/problem+json' }).end(body)
    const { state, value } = await run({ url: `${api.origin}/odd${index}` })
    t.is(state, 'succeeded')
    t.is(value.body, body)
  }
})

test('text is read by the charset that the server names', async (t) => {
  routes['/latin'] = (response) =>
    response
      .writeHead(200, { 'Content-Type': 'text/plain; charset=iso-8859-1' })
      .end(Buffer.from('é', 'latin1'))
  t.is((await run({ url: `${api.origin}/latin` })).value.body, 'é')
})

test('of a long answer the first MB is kept, and of an endless one no more is read', async (t) => {
  routes['/endless'] = (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    const chunk = Buffer.from('ü'.repeat(32_768))
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  }
  const { state, value } = await run({ url: `${api.origin}/endless` })
  t.is(state, 'succeeded')
  t.true(value.truncated)
  t.is(Buffer.byteLength(value.body), 1024 ** 2)
  t.true(value.body.endsWith('ü'))
})

test('an attempt that met a 500 is made again with the same Idempotency-Key', async (t) => {
  routes['/unsteady'] = (response) =>
    response.writeHead(received('/unsteady').length === 1 ? 500 : 200).end('x')
  const { id, state, attempt } = await run({ method: 'POST', url: `${api.origin}/unsteady` })
  t.deepEqual([state, attempt], ['succeeded', 2])
  t.deepEqual(
    received('/unsteady').map(({ headers }) => headers['idempotency-key']),
    [id, id],
  )
})

test('a 4xx is not tried again, and the error says what the API said', async (t) => {
  routes['/missing'] = (response) => response.writeHead(404).end('{"error":\n"no such \u202einvoice"}')
  const { state, attempt, error } = await run({ url: `${api.origin}/missing?token=hunter2` })
  t.deepEqual([state, attempt], ['failed', 1])
  t.like(error, { name: 'TaskError', code: 'HTTP_404', fields: { status: 404 } })
  t.is(error!.message, `Expected GET ${api.origin}/missing to succeed, got 404: {"error": "no such invoice"}`)
})

test('a status that the caller expects is an answer', async (t) => {
  routes['/maybe'] = (response) => response.writeHead(404).end('none')
  const { state, value } = await run({ url: `${api.origin}/maybe`, expect: [404] })
  t.is(state, 'succeeded')
  t.like(value, { status: 404, body: 'none' })
})

for (const status of [429, 503]) {
  test(`the Retry-After of a ${status} is heeded`, async (t) => {
    routes[`/busy${status}`] = (response) => response.writeHead(status, { 'Retry-After': '1800' }).end()
    const task = await subject.afterwork.addTask(tasks.http.request, { url: `${api.origin}/busy${status}` })
    const { runAt, at, failure } = await subject.events.until('task.retried', ({ id }) => id === task.id)
    t.is(failure.code, `HTTP_${status}`)
    t.true(runAt - at >= 1_800_000)
  })
}

test('a Retry-After that is shorter than the backoff shortens nothing', async (t) => {
  routes['/eager'] = (response) => response.writeHead(503, { 'Retry-After': '0' }).end()
  const patient = tasks.http.request.with({ backoff: { first: '1h', jitter: 0 } })
  const task = await subject.afterwork.addTask(patient, { url: `${api.origin}/eager` })
  const { runAt, at } = await subject.events.until('task.retried', ({ id }) => id === task.id)
  t.is(runAt - at, 3_600_000)
})

test('an API that does not answer in time is tried again', async (t) => {
  routes['/silent'] = () => {}
  routes['/dripping'] = (response) => response.writeHead(200).write('x')
  for (const path of ['/silent', '/dripping']) {
    const { state, attempt, error } = await run({ url: `${api.origin}${path}`, timeout: 100 })
    t.deepEqual([state, attempt, error!.code], ['failed', 2, 'HTTP_TIMEOUT'])
    t.is(error!.message, `Expected GET ${api.origin}${path} to answer in time, got no answer`)
  }
})

test('an API that hangs up is tried again', async (t) => {
  routes['/cut'] = (response) => response.destroy()
  routes['/half'] = (response) => {
    response.writeHead(200, { 'Content-Length': '1000' }).write('half')
    setImmediate(() => response.destroy())
  }
  for (const path of ['/cut', '/half']) {
    const { state, attempt, error } = await run({ url: `${api.origin}${path}` })
    t.deepEqual([state, attempt], ['failed', 2], path)
    t.regex(error!.code!, /^UND_ERR_SOCKET$|^ECONNRESET$/)
  }
})

test('a task that is cancelled lets go of its request, and its neighbours go on', async (t) => {
  let gone = (): void => {}
  const left = new Promise<void>((resolve) => (gone = resolve))
  let answer = (): void => {}
  routes['/slow'] = (response) => response.on('close', gone)
  routes['/beside'] = (response) => (answer = () => response.end('well'))
  const own = await start(t, { AFTERWORK_HTTP_ALLOW: '127.0.0.1' })
  const beside = await own.afterwork.addTask(tasks.http.request, { url: `${api.origin}/beside` })
  const slow = await own.afterwork.addTask(tasks.http.request, { url: `${api.origin}/slow` })
  await Promise.all(['/slow', '/beside'].map((route) => api.until(({ path }) => path === route)))
  await own.afterwork.cancel(slow.id)
  await left
  answer()
  // It would have had to begin anew had its thread been ended.
  t.like(await own.ended(beside), { state: 'succeeded', attempt: 1 })
})

test('redirects of a GET are followed, without secrets to another origin', async (t) => {
  const other = await startReceiver(t, (response) => response.end('there'))
  // It has a name of its own, or a port of its own, and is allowed by neither.
  const { afterwork, ended } = await start(t, {
    AFTERWORK_HTTP_ALLOW: '127.0.0.1',
    HTTP_SECRET_API: 'hunter2',
  })
  routes['/near'] = (response) => response.writeHead(302, { Location: 'far?x=1' }).end('y'.repeat(100_000))
  routes['/far'] = (response) => response.writeHead(307, { Location: `${other.origin}/there` }).end()
  const headers = { Authorization: { env: 'HTTP_SECRET_API' }, 'X-Api-Key': 'hunter3', Accept: 'text/plain' }
  const task = await afterwork.addTask(tasks.http.request, { url: `${api.origin}/near`, headers })
  const { state, value } = await ended(task)
  t.is(state, 'succeeded')
  t.like(value, { url: `${other.origin}/there`, body: 'there' })
  t.like(received('/far?x=1')[0]!.headers, { authorization: 'hunter2', 'x-api-key': 'hunter3' })
  const { authorization, 'x-api-key': key, accept } = other.received[0]!.headers
  t.deepEqual([authorization, key, accept], [undefined, undefined, 'text/plain'])
})

test('a redirect to where requests may not go is refused, and nobody is called there', async (t) => {
  const inside = await startReceiver(t)
  const locations = [
    inside.origin,
    `http://localhost:${inside.port}/`,
    `http://[::ffff:127.0.0.1]:${inside.port}/`,
  ]
  for (const [index, location] of locations.entries()) {
    routes[`/inside${index}`] = (response) => response.writeHead(302, { Location: location }).end()
    const { attempt, error } = await run({ url: `${api.origin}/inside${index}` })
    t.deepEqual([attempt, error?.code], [1, 'HTTP_DESTINATION_REFUSED'])
  }
  t.is(inside.connections, 0)
})

test('redirects without an end, without a place, or of what is no GET fail', async (t) => {
  routes['/loop'] = (response) => response.writeHead(301, { Location: '/loop' }).end()
  routes['/file'] = (response) => response.writeHead(302, { Location: 'file:///etc/passwd' }).end()
  routes['/user'] = (response) => response.writeHead(302, { Location: 'http://a:b@127.0.0.1/' }).end()
  routes['/nowhere'] = (response) => response.writeHead(302).end()
  const cases: [given: object, code: string][] = [
    [{ url: `${api.origin}/loop` }, 'HTTP_TOO_MANY_REDIRECTS'],
    [{ url: `${api.origin}/file` }, 'HTTP_BAD_REDIRECT'],
    [{ url: `${api.origin}/user` }, 'HTTP_BAD_REDIRECT'],
    [{ url: `${api.origin}/nowhere` }, 'HTTP_302'],
    [{ url: `${api.origin}/loop`, method: 'POST' }, 'HTTP_301'],
  ]
  for (const [given, code] of cases) {
    const { attempt, error } = await run(given)
    t.deepEqual([attempt, error?.code], [1, code])
  }
  t.is(received('/loop').length, 7)
})

test('a secret of the environment is sent, is in no argument, and only those that are meant for it can be named', async (t) => {
  const url = `${api.origin}/secret`
  const { args } = await run({ url, headers: { Authorization: { env: 'HTTP_SECRET_API' } } })
  t.is(received('/secret')[0]!.headers.authorization, 'Bearer hunter2')
  t.notRegex(args, /hunter/)
  for (const env of ['PRIVATE_KEY', 'PATH', 'HTTP_SECRET_MISSING', '__proto__', 5]) {
    const { attempt, error } = await run({ url, headers: { Authorization: { env } } })
    t.deepEqual([attempt, error?.code], [1, 'HTTP_BAD_ARGUMENT'])
    t.notRegex(JSON.stringify(error), /hunter/)
  }
  t.is(received('/secret').length, 1)
})

test('private addresses are refused, and nobody is called', async (t) => {
  const inside = await startReceiver(t)
  for (const host of ['127.0.0.1', 'localhost', '127.1', '0x7f000001', '[::ffff:127.0.0.1]', '0.0.0.0']) {
    const { attempt, error } = await run({ url: `http://${host}:${inside.port}/` })
    t.deepEqual([attempt, error?.code], [1, 'HTTP_DESTINATION_REFUSED'], host)
  }
  t.is(inside.connections, 0)
})

const refused: [what: string, given: object][] = [
  ['a URL of a file', { url: 'file:///etc/passwd' }],
  ['a URL with a password', { url: 'http://user:hunter2@127.0.0.1/' }],
  ['a URL that is none', { url: 'hunter2' }],
  ['a URL that is an object', { url: { href: 'http://127.0.0.1/' } }],
  ['a huge URL', { url: `http://127.0.0.1/${'x'.repeat(8_000)}` }],
  ['no URL', {}],
  ['an unknown method', { url: 'http://127.0.0.1/', method: 'CONNECT' }],
  ['a GET with a body', { url: 'http://127.0.0.1/', body: 'x' }],
  ['a header of two lines', { url: 'http://127.0.0.1/', headers: { 'X-A': 'a\r\nX-B: b' } }],
  ['a header name of two lines', { url: 'http://127.0.0.1/', headers: { 'X-A: a\r\nX-B': 'b' } }],
  ['a Host', { url: 'http://127.0.0.1/', headers: { Host: 'inside' } }],
  ['a Transfer-Encoding', { url: 'http://127.0.0.1/', headers: { 'transfer-encoding': 'chunked' } }],
  ['a Content-Length', { url: 'http://127.0.0.1/', headers: { 'Content-Length': '3' } }],
  ['a header that is a number', { url: 'http://127.0.0.1/', headers: { 'X-A': 5 } }],
  ['a header that is null', { url: 'http://127.0.0.1/', headers: { 'X-A': null } }],
  ['a timeout of nothing', { url: 'http://127.0.0.1/', timeout: 0 }],
  ['an endless timeout', { url: 'http://127.0.0.1/', timeout: 600_001 }],
  ['a timeout that is text', { url: 'http://127.0.0.1/', timeout: '1s' }],
  ['an Idempotency-Key of two lines', { url: 'http://127.0.0.1/', method: 'POST', idempotencyKey: 'a\r\nb' }],
  ['statuses that are none', { url: 'http://127.0.0.1/', expect: ['2xx'] }],
]

for (const [what, given] of refused) {
  test(`refused at once: ${what}`, async (t) => {
    const { attempt, error } = await run(given)
    t.deepEqual([attempt, error?.name, error?.code], [1, 'TaskError', 'HTTP_BAD_ARGUMENT'])
    t.notRegex(error!.message, /hunter/)
  })
}
