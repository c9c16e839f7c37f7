import Koa from 'koa'
import { AfterworkError, Problem, problems } from 'afterwork'
import test, { type ExecutionContext } from 'ava'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { send, type Answer } from '../support/http.ts'

/** What an app with problems() answers when its handler does this, and what it reported. */
async function answerTo(
  t: ExecutionContext,
  handle: Koa.Middleware,
): Promise<{ answer: Answer; errors: Error[] }> {
  const app = new Koa()
  const errors: Error[] = []
  app.on('error', (error: Error) => errors.push(error))
  app.use(problems())
  app.use(handle)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return { answer: await send(`http://127.0.0.1:${port}`), errors }
}

test('a Problem is the answer, with its status, code, detail and headers', async (t) => {
  const { answer, errors } = await answerTo(t, () => {
    throw new Problem(429, 'TOO_FAST', 'Expected one a second', { headers: { 'Retry-After': '7' } })
  })
  t.is(answer.status, 429)
  t.is(answer.headers['content-type'], 'application/problem+json')
  t.is(answer.headers['cache-control'], 'no-store')
  t.is(answer.headers['retry-after'], '7')
  t.deepEqual(answer.json, {
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    code: 'TOO_FAST',
    detail: 'Expected one a second',
  })
  t.deepEqual(errors, [])
})

const thrown: [what: string, error: unknown, status: number, code: string, detail: string | undefined][] = [
  [
    'an error of ours',
    new AfterworkError('AFTERWORK_QUEUE_FULL', 'full'),
    503,
    'AFTERWORK_QUEUE_FULL',
    'full',
  ],
  [
    'an http error of a client',
    Object.assign(new Error('no such page'), { status: 410 }),
    410,
    'GONE',
    'no such page',
  ],
  [
    'a statusCode',
    Object.assign(new Error('too big'), { statusCode: 413 }),
    413,
    'PAYLOAD_TOO_LARGE',
    'too big',
  ],
]

for (const [what, error, status, code, detail] of thrown) {
  test(`${what} is shown as it is`, async (t) => {
    const { answer, errors } = await answerTo(t, () => Promise.reject(error as Error))
    t.is(answer.status, status)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.like(answer.json, { status, code, detail })
    t.deepEqual(errors, [])
  })
}

const hidden: [what: string, error: unknown, status: number, code: string][] = [
  ['an Error', new Error('secret'), 500, 'INTERNAL_SERVER_ERROR'],
  [
    'an error of the system',
    Object.assign(new Error('secret'), { code: 'EACCES' }),
    500,
    'INTERNAL_SERVER_ERROR',
  ],
  ['something that is no Error', 'secret', 500, 'INTERNAL_SERVER_ERROR'],
  [
    'an error with a status that is none',
    Object.assign(new Error('secret'), { status: 1000, expose: true }),
    500,
    'INTERNAL_SERVER_ERROR',
  ],
  ['a gateway error', Object.assign(new Error('secret'), { status: 502 }), 502, 'BAD_GATEWAY'],
  [
    'a client error that is not to be shown',
    Object.assign(new Error('secret'), { status: 403, expose: false }),
    403,
    'FORBIDDEN',
  ],
]

for (const [what, error, status, code] of hidden) {
  test(`${what} is reported to the app, and the client learns nothing of it but ${status}`, async (t) => {
    const { answer, errors } = await answerTo(t, () => Promise.reject(error as Error))
    t.is(answer.status, status)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.like(answer.json, { status, code })
    t.false(answer.text.includes('secret'))
    t.deepEqual(
      errors.map(({ message }) => message),
      ['secret'],
    )
  })
}

test('a status from 400 without a body gets one, and a body of its own stays', async (t) => {
  const bare = await answerTo(t, () => {})
  t.is(bare.answer.status, 404)
  t.deepEqual(bare.answer.json, { type: 'about:blank', title: 'Not Found', status: 404, code: 'NOT_FOUND' })

  const method = await answerTo(t, (ctx) => void (ctx.status = 405))
  t.like(method.answer.json, { status: 405, code: 'METHOD_NOT_ALLOWED' })

  const own = await answerTo(t, (ctx) => void Object.assign(ctx, { status: 422, body: 'mine' }))
  t.deepEqual([own.answer.status, own.answer.text], [422, 'mine'])
})

test('what a handler set for its answer does not reach the problem', async (t) => {
  const { answer } = await answerTo(t, (ctx) => {
    ctx.type = 'image/png'
    ctx.length = 5
    ctx.body = 'image'
    throw new Problem(400, 'NO', 'no')
  })
  t.is(answer.headers['content-type'], 'application/problem+json')
  t.like(answer.json, { code: 'NO' })
})
