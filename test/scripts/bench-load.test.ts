import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { Load } from '../../scripts/bench/harness/load.ts'
import { listening } from '../../scripts/bench/harness/system-module.ts'

/** A load generator, and the URL of a server with this listener; both end with the test. */
async function setUp(t: ExecutionContext, listener: RequestListener): Promise<{ load: Load; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  const load = new Load()
  t.teardown(() => {
    load.stop()
    server.close()
    server.closeAllConnections()
  })
  const { port } = await listening(server)
  return { load, url: `http://127.0.0.1:${port}/` }
}

test('an open loop keeps its schedule though nothing is answered, and counts what it never got', async (t) => {
  const { load, url } = await setUp(t, () => {})
  const seen = await load.open({ url, rate: 100, seconds: 0.3, connections: 5 })
  t.is(seen.requests, 30)
  t.is(seen.unanswered, 30)
  t.true(seen.max >= 300)
})

test('an open loop charges a stall to every request that was due meanwhile', async (t) => {
  let stalled = false
  const { load, url } = await setUp(t, (_request, response) => {
    const end = performance.now() + (stalled ? 0 : 300)
    while (performance.now() < end);
    stalled = true
    response.end('late')
  })
  const seen = await load.open({ url, rate: 100, seconds: 0.6, connections: 5 })
  t.is(seen.requests, 60)
  t.true(seen.p50 > 0)
  t.true(seen.max >= 300)
})

test('an open loop ends before its time when its signal is aborted', async (t) => {
  const over = new AbortController()
  const { load, url } = await setUp(t, (_request, response) => {
    response.end('pong')
    over.abort()
  })
  const seen = await load.open({ url, rate: 100, seconds: 50, connections: 5, signal: over.signal })
  t.true(seen.requests < 5_000)
})

test('a closed loop sends a body that no other request has, and counts answers and refusals', async (t) => {
  const bodies: string[] = []
  const { load, url } = await setUp(t, (request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      bodies.push(body)
      response.statusCode = body.endsWith('3') ? 503 : 202
      response.end('x'.repeat(100_000))
    })
  })
  const module = 'data:text/javascript,export const body = (n) => `body ${n}`'
  const seen = await load.closed({
    url,
    method: 'POST',
    body: { module, export: 'body' },
    connections: 3,
    seconds: 0.3,
  })
  t.is(seen.answered, bodies.length)
  t.is(new Set(bodies).size, bodies.length)
  t.is(seen.failed, bodies.filter((body) => body.endsWith('3')).length)
  t.is(seen.unanswered, 0)
})

test('a closed loop sends bytes, however many, made with the parameters it is given', async (t) => {
  const sizes = new Set<number>()
  const { load, url } = await setUp(t, (request, response) => {
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.every((byte) => byte === 0xe9) ? chunk.length : NaN
    })
    request.on('end', () => {
      sizes.add(length === Number(request.headers['content-length']) ? length : NaN)
      response.end('counted')
    })
  })
  const module = 'data:text/javascript,export const bytes = (n, { size }) => Buffer.alloc(size, 0xe9)'
  for (const size of [0, 10, 3_000_000]) {
    const body = { module, export: 'bytes', parameters: { size } }
    const seen = await load.closed({ url, method: 'PUT', body, connections: 2, seconds: 0.1 })
    t.is(seen.unanswered, 0)
  }
  t.deepEqual(sizes, new Set([0, 10, 3_000_000]))
})

test('a closed loop tells answers of one length apart, and waits for the rest of one that is cut', async (t) => {
  const answers = [
    'HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nbody',
    'HTTP/1.1 503 Occupied\r\nContent-Length: 4\r\n\r\nbody',
    'HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nbody| left',
  ]
  let asked = 0
  const server = createTcpServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      const [first, rest] = answers[asked++ % answers.length]!.split('|')
      socket.write(first!)
      if (rest !== undefined) setTimeout(() => socket.write(rest), 5)
    })
  }).listen(0, '127.0.0.1')
  const load = new Load()
  t.teardown(() => {
    load.stop()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const seen = await load.closed({ url: `http://127.0.0.1:${port}/`, connections: 1, seconds: 0.3 })
  t.is(seen.answered, asked)
  t.is(seen.failed, Math.floor((asked + 1) / 3))
  t.is(seen.unanswered, 0)
})

test('a closed loop ends although the server drops its connections', async (t) => {
  const { load, url } = await setUp(t, (request) => request.socket.destroy())
  const seen = await load.closed({ url, connections: 3, seconds: 50 })
  t.is(seen.answered, 0)
  t.is(seen.unanswered, 3)
})

test('a loop without a server rejects', async (t) => {
  const load = new Load()
  t.teardown(() => load.stop())
  await t.throwsAsync(load.closed({ url: 'http://127.0.0.1:9/', connections: 1, seconds: 1 }), {
    message: /ECONNREFUSED/,
  })
})
