import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import test from 'ava'
import Koa from 'koa'
import { health } from '../../src/service/health.ts'
import { isClosed, post, send } from '../support/http.ts'
import { serve } from '../support/service.ts'
import { startMailbox } from '../support/smtp.ts'

test('a service that runs is alive and ready', async (t) => {
  const { url } = await serve(t)
  for (const path of ['/livez', '/readyz']) {
    const { status, headers, json } = await send(url + path)
    t.is(status, 200)
    t.is(headers['cache-control'], 'no-store')
    t.deepEqual(json, { status: 'ok' })
  }
})

test('a service that is stopping answers what it has begun, and nothing more on that connection', async (t) => {
  const service = await serve(t, ['--drain', '30s'])
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  const answers: string[] = []
  socket.on('data', (chunk) => answers.push(chunk.toString()))
  const body = JSON.stringify({ to: 'a@example.org', subject: 's', text: 'x' })
  const head = `POST /send-email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
  // The server says so when it has the head, so that the request has begun for certain.
  socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n`)
  await once(socket, 'data')

  const stopped = service.stop()
  t.true(await isClosed(service.url))
  socket.write(`${body}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`)
  await once(socket, 'close')
  await stopped
  const statuses = answers.join('').match(/HTTP\/1\.1 \d+/g)
  t.deepEqual(statuses, ['HTTP/1.1 100', 'HTTP/1.1 202'])
  t.regex(answers.join(''), /connection: close/i)
})

test('a service that is stopping is alive but not ready', async (t) => {
  const app = new Koa()
  app.use(
    health(
      () => false,
      () => [],
    ),
  )
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [alive, ready] = [await send(`${url}/livez`), await send(`${url}/readyz`)]
  t.deepEqual([alive.status, alive.json], [200, { status: 'ok' }])
  t.deepEqual([ready.status, ready.json], [503, { status: 'stopping' }])
})

test('stop() gives running tasks their grace, and takes no new requests meanwhile', async (t) => {
  const mailbox = await startMailbox(t)
  const service = await serve(t, ['--drain', '30s'], { SMTP_URL: mailbox.url() })
  const mail = { to: 'slow@example.org', subject: 's', text: 'x' }
  const { json } = await post(`${service.url}/send-email`, mail)
  await mailbox.askedFor('slow@example.org')
  const stopped = service.stop()
  t.true(await isClosed(service.url))
  t.deepEqual(service.events.life(json.tasks[0].id).slice(-1), ['task.started'])
  await mailbox.takeSlow('slow@example.org')
  await stopped
  t.is(await service.events.ended(json.tasks[0].id), 'succeeded')
  t.is((await service.events.until('afterwork.stopped')).left, 0)
})

test('GET /pools shows the configured sizes', async (t) => {
  const { url } = await serve(t, ['--pool-max', '3', '--pool-min', '2', '--mail-concurrency', '7'])
  const { status, json } = await send(`${url}/pools`)
  t.is(status, 200)
  t.deepEqual(json, {
    pools: [
      { name: 'cpu', minThreads: 2, maxThreads: 3, concurrency: 1, paused: false, running: 0 },
      { name: 'mail', minThreads: 1, maxThreads: 1, concurrency: 7, paused: false, running: 0 },
      { name: 'http', minThreads: 0, maxThreads: 1, concurrency: 20, paused: false, running: 0 },
    ],
  })
})
