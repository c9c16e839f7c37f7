import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Endings } from '../support/endings.ts'
import { send, type Answer } from '../support/http.ts'
import { serve, type TestService } from '../support/service.ts'

const endings = new Endings()
let service: TestService
test.before(async () => {
  service = await serve(endings)
})
test.after.always(() => endings.run())

function notify(address: string, query: Record<string, string> = {}): Promise<Answer> {
  const text = new URLSearchParams(query).toString()
  return send(`${service.url}/send-notification/${address}?${text}`, { method: 'POST' })
}

/** The lines of the log that hold a word, once the last task of an answer has ended. */
async function linesWith(word: string, answer: Answer): Promise<string[]> {
  const { tasks } = answer.json as { tasks: { id: string }[] }
  await service.events.ended(tasks.at(-1)!.id)
  const log = await readFile(join(service.data, 'notifications.log'), 'utf8')
  return log.split('\n').filter((line) => line.includes(word))
}

test('a query and a message are two lines, that of the middleware first', async (t) => {
  const answer = await notify('order@example.org', { q: 'order of lines', message: 'second, order' })
  t.is(answer.status, 202)
  const { message, tasks } = answer.json
  t.is(message, 'Notification sent in the background')
  t.is(tasks.length, 2)
  t.deepEqual(tasks[0], { id: tasks[0].id, name: 'notifications.write', href: `/tasks/${tasks[0].id}` })
  t.is(answer.headers.location, tasks[0].href)
  t.deepEqual(await linesWith('order', answer), [
    'found query: order of lines',
    'notification for order@example.org: second, order',
  ])
  const starts = service.events.of('task.started').map(({ id }) => id)
  t.true(starts.indexOf(tasks[0].id) < starts.indexOf(tasks[1].id))
})

test('without a query there is one line, without a message it says so', async (t) => {
  const plain = await notify('plain@example.org')
  t.deepEqual(await linesWith('plain', plain), ['message to plain@example.org'])
  const told = await notify('told@example.org', { message: 'hello', q: '' })
  t.deepEqual(await linesWith('told', told), ['notification for told@example.org: hello'])
  const asked = await notify('asked@example.org', { q: 'asked' })
  t.deepEqual(await linesWith('asked', asked), ['found query: asked', 'message to asked@example.org'])
})

test('characters that a URL encodes arrive as they were meant', async (t) => {
  const odd = 'odd: 100% + a/b?c&d=e#f ü 世界 🎉 <script> "quoted" \\'
  const answer = await notify('odd%2Btag%21@example.org', { message: odd })
  t.deepEqual(await linesWith('odd:', answer), [`notification for odd+tag!@example.org: ${odd}`])
})

test('nobody writes a line of their own into the log', async (t) => {
  const breaks = ['\n', '\r\n', '\u2028', '\u2029', '\u0085', '\u001b[2K', '\0']
  const answer = await notify('forged@example.org', {
    q: `forged ${breaks.join('forged ')}`,
    message: 'x\nfound query: forged',
  })
  const lines = await linesWith('forged', answer)
  t.is(lines.length, 2)
  t.is(lines[1], 'notification for forged@example.org: x\\u000afound query: forged')
  for (const character of breaks) t.false(lines.join('').includes(character))
})

test('an address that is none, a text that is too long or given twice is refused, and drops the line of the middleware', async (t) => {
  const refused: [path: string, status: number, code: string][] = [
    ['nobody?q=refused', 422, 'BAD_ADDRESS'],
    ['a@b,c@example.org?q=refused', 422, 'BAD_ADDRESS'],
    ['a%0d%0ab@example.org?q=refused', 422, 'BAD_ADDRESS'],
    [`a@example.org?q=refused&message=${'x'.repeat(10_001)}`, 422, 'INVALID_FIELD'],
    ['a@example.org?q=refused&q=twice', 422, 'INVALID_FIELD'],
    ['a@example.org?q=refused&message=a&message=b', 422, 'INVALID_FIELD'],
  ]
  for (const [path, status, code] of refused) {
    const answer = await send(`${service.url}/send-notification/${path}`, { method: 'POST' })
    t.is(answer.status, status, path)
    t.like(answer.json, { code })
  }
  t.deepEqual(await linesWith('refused', await notify('last@example.org')), [])
})

test('a path that cannot be decoded is the fault of the client', async (t) => {
  const { status, headers } = await send(`${service.url}/send-notification/%zz`, { method: 'POST' })
  t.true(status >= 400 && status < 500, String(status))
  t.is(headers['content-type'], 'application/problem+json')
})
