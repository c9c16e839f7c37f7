import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutgoingHttpHeaders } from 'node:http'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'
import { post, send, type Answer } from '../support/http.ts'
import { serve, type TestService } from '../support/service.ts'

const token = 'a-token-of-the-tests/+='
const endings = new Endings()
let service: TestService
test.before(async () => {
  const file = join(await temporaryFolder(endings), 'token')
  await writeFile(file, `${token}\n`)
  service = await serve(endings, ['--token-file', file])
})
test.after.always(() => endings.run())

const browser = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

function logIn(given: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
  const body = new URLSearchParams({ token: given }).toString()
  return send(`${service.url}/login`, { method: 'POST', headers: form, body })
}

function get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return send(service.url + path, { headers })
}

test('without the token everything is a 401 but /livez, /readyz and /login', async (t) => {
  for (const path of ['/livez', '/readyz', '/login']) t.is((await get(path)).status, 200, path)
  const closed = [
    '/',
    '/page.js',
    '/tasks',
    '/tasks/x',
    '/pools',
    '/files/x',
    '/livez/',
    '/LIVEZ',
    '//livez',
    '/no',
  ]
  for (const path of closed) {
    const answer = await get(path)
    t.is(answer.status, 401, path)
    t.is(answer.headers['www-authenticate'], 'Bearer')
    t.like(answer.json, { code: 'TOKEN_REQUIRED' })
  }
  const mail = { to: 'a@example.org', subject: 's', text: 'x' }
  for (const path of ['/send-email', '/upload-file', '/send-notification/a@example.org', '/tasks/x/cancel']) {
    t.is((await post(service.url + path, mail)).status, 401, path)
  }
  t.deepEqual(await service.afterwork.records.list({ limit: 1 }), [])
})

test('the token lets in as a bearer, and nothing like it does', async (t) => {
  t.is((await get('/tasks', { Authorization: `Bearer ${token}` })).status, 200)
  t.is((await get('/tasks', { Authorization: `bearer  ${token}` })).status, 200)
  const wrong = [
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    'Bearer',
    `Basic ${token}`,
    token,
    `Bearer ${token} x`,
  ]
  for (const header of wrong) t.is((await get('/tasks', { Authorization: header })).status, 401, header)
  t.is((await get(`/tasks?token=${encodeURIComponent(token)}`)).status, 401)
})

test('a log-in gives a cookie that lets in, is no token and is out of reach of scripts and other sites', async (t) => {
  const page = await get('/login', browser)
  t.is(page.status, 200)
  t.regex(page.headers['content-type']!, /^text\/html/)
  t.regex(String(page.headers['content-security-policy']), /default-src 'none'/)
  t.is(page.headers['cache-control'], 'no-store')
  t.regex(page.text, /<input type="password" name="token"/)

  const answer = await logIn(token, browser)
  t.is(answer.status, 303)
  t.is(new URL(answer.headers.location!, `${service.url}/login`).href, `${service.url}/`)
  const [cookie, ...others] = answer.headers['set-cookie']!
  t.deepEqual(others, [])
  t.regex(cookie!, /; httponly/i)
  t.regex(cookie!, /; samesite=strict/i)
  t.regex(cookie!, /; path=\//i)
  const pair = cookie!.split(';')[0]!
  t.false(pair.includes(token) || decodeURIComponent(pair).includes(token))

  t.is((await get('/tasks', { Cookie: pair })).status, 200)
  t.is((await get('/', { Cookie: pair, ...browser })).status, 200)
  const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
  for (const wrong of [`${name}=${token}`, `${name}=`, `${name}=x${value}`, `other=${value}`]) {
    t.is((await get('/tasks', { Cookie: wrong })).status, 401, wrong)
  }
  t.is((await get('/tasks', { Authorization: `Bearer ${value}` })).status, 401)
})

test('a wrong token at the log-in is a 401 without a cookie, told in the form or as problem+json', async (t) => {
  const form = await logIn('wrong', browser)
  t.is(form.status, 401)
  t.is(form.headers['set-cookie'], undefined)
  t.regex(form.text, /role="alert"/)
  const bodies = [{ token: 'wrong' }, { token: [token] }, { token: { $ne: '' } }, {}, { token: null }]
  for (const body of bodies) {
    const answer = await post(`${service.url}/login`, body, { Accept: 'application/json' })
    t.is(answer.status, 401)
    t.like(answer.json, { code: 'WRONG_TOKEN' })
    t.is(answer.headers['set-cookie'], undefined)
  }
})

test('a log-in that is malformed or too large is a 4xx', async (t) => {
  for (const [type, body] of [
    ['application/json', '{"token":'],
    ['application/x-www-form-urlencoded', `token=${'x'.repeat(5_000)}`],
    ['text/plain', token],
  ] as const) {
    const answer = await send(`${service.url}/login`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    })
    t.true(answer.status >= 400 && answer.status < 500, `${type}: ${answer.status}`)
    t.is(answer.headers['content-type'], 'application/problem+json')
  }
  const method = await send(`${service.url}/login`, { method: 'DELETE' })
  t.is(method.status, 405)
  t.is(method.headers.allow, 'GET, POST')
})

test('a browser that asks for a page is sent to the log-in; a script that asks for JSON is told 401', async (t) => {
  const answer = await get('/', browser)
  t.is(answer.status, 302)
  t.is(new URL(answer.headers.location!, `${service.url}/`).href, `${service.url}/login`)
  t.is((await get('/tasks', { Accept: 'application/json' })).status, 401)
  t.is((await send(`${service.url}/upload-file`, { method: 'POST', headers: browser })).status, 401)
})

test('a page of another site cannot make a browser change anything, whatever token it holds', async (t) => {
  const mail = { to: 'a@example.org', subject: 's', text: 'x' }
  const own = await serve(t)
  for (const site of ['cross-site', 'same-site']) {
    for (const path of ['/send-email', '/send-notification/a@example.org', '/upload-file']) {
      const answer = await post(own.url + path, mail, { 'Sec-Fetch-Site': site })
      t.is(answer.status, 403)
      t.like(answer.json, { code: 'CROSS_SITE' })
    }
  }
  const bearer = { Authorization: `Bearer ${token}`, 'Sec-Fetch-Site': 'cross-site' }
  t.is((await post(`${service.url}/send-email`, mail, bearer)).status, 403)
  t.is((await logIn(token, { 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  t.deepEqual(await own.afterwork.records.list({ limit: 1 }), [])

  for (const site of ['same-origin', 'none']) {
    t.is((await post(`${own.url}/send-email`, mail, { 'Sec-Fetch-Site': site })).status, 202)
  }
  t.is((await get('/tasks', bearer)).status, 200)
})
