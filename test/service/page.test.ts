import test from 'ava'
import { Endings } from '../support/endings.ts'
import { send } from '../support/http.ts'
import { serve, type TestService } from '../support/service.ts'

const endings = new Endings()
let service: TestService
test.before(async () => {
  service = await serve(endings)
})
test.after.always(() => endings.run())

test('the page comes with a policy that lets in nothing but what we serve', async (t) => {
  const page = await send(service.url)
  t.is(page.status, 200)
  t.regex(page.headers['content-type']!, /^text\/html/)
  t.is(page.headers['x-content-type-options'], 'nosniff')
  const policy = String(page.headers['content-security-policy'])
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]) {
    t.true(policy.includes(part), part)
  }
  t.notRegex(policy, /unsafe/)
  t.notRegex(page.text, /<script>|<style|\son\w+=/)
})

test('all that the page and its scripts refer to is served, by paths that hold wherever it is mounted', async (t) => {
  const kinds: Record<string, RegExp> = { js: /^text\/javascript/, css: /^text\/css/, '': /^text\/html/ }
  const seen = new Set<string>()
  const waiting = ['']
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const { status, headers, text } = await send(`${service.url}/${path}`)
    t.is(status, 200, path)
    t.regex(headers['content-type']!, kinds[/[^./]*$/.exec(path)![0]]!, path)
    const found = path.endsWith('.js')
      ? text.matchAll(/(?:from|import) '([^']+)'/g)
      : text.matchAll(/(?:src|href)="([^"#]+)"/g)
    for (const [, link] of found) {
      t.notRegex(link!, /^\/|^https?:/, `${path} refers to ${link}`)
      const name = new URL(link!, `http://a/${path}`).pathname.slice(1)
      if (path.endsWith('.css') || link!.startsWith('data:') || seen.has(name)) continue
      seen.add(name)
      waiting.push(name)
    }
  }
  for (const name of ['page.js', 'page.css', 'outbox/', 'outbox/outbox.js', 'outbox/outbox.css'])
    t.true(seen.has(name), name)
})

test('HEAD is answered without a body, and POST is no page', async (t) => {
  const head = await send(service.url, { method: 'HEAD' })
  t.deepEqual([head.status, head.body.length], [200, 0])
  t.is((await send(service.url, { method: 'POST' })).status, 404)
})

test('what is not there is a 404 as problem+json', async (t) => {
  for (const path of ['/nothing', '/page/index.html', '/..%2fservice.ts', '/constructor', '/__proto__']) {
    const { status, headers, json } = await send(service.url + path)
    t.is(status, 404, path)
    t.is(headers['content-type'], 'application/problem+json')
    t.like(json, { code: 'NOT_FOUND' })
  }
})
