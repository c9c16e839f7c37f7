import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core'
import { send } from '../support/http.ts'
import { letter, putMessage, source } from '../support/outbox.ts'
import { serve } from '../support/service.ts'

const quiet = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
]

let browser: Browser
let downloads: string

test.before(async () => {
  downloads = await mkdtemp(join(tmpdir(), 'afterwork-outbox-'))
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet],
    downloadsPath: downloads,
  })
})

test.after.always(async () => {
  await browser?.close()
  if (downloads !== undefined) await rm(downloads, { recursive: true, force: true })
})

interface Opened {
  url: string
  data: string
  page: Page
  /** All that the console and the policy complained of. */
  complaints: string[]
}

interface Options {
  /** Behind /outbox/. */
  path?: string
  options?: BrowserContextOptions
  env?: NodeJS.ProcessEnv
}

/** The outbox of a service of the test's own, with these messages, the first the oldest. */
async function open(
  t: ExecutionContext,
  messages: Record<string, string>,
  { path = '', options = {}, env = {} }: Options = {},
): Promise<Opened> {
  const { url, data } = await serve(t, [], env)
  let time = 1_700_000_000
  for (const [id, content] of Object.entries(messages)) await putMessage(data, id, content, time++)
  const page = await browser.newPage(options)
  t.teardown(() => page.close())
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(`${url}/outbox/${path}`)
  return { url, data, page, complaints }
}

/** A web server elsewhere, and the paths that it was asked for. */
async function startRemote(t: ExecutionContext): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.setHeader('Content-Type', 'image/png').end(Buffer.from(pixel, 'base64'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** Resolves when a picture is there. */
function decoded(image: Locator): Promise<void> {
  return image.evaluate((element) => (element as unknown as { decode(): Promise<void> }).decode())
}

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

/** A message with an HTML body, a text, and a picture that the HTML shows. */
function withHtml(html: string): string {
  return source(
    'From: Shop <shop@example.com>',
    'To: ann@example.org',
    'Subject: HTML',
    'Content-Type: multipart/related; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/alternative; boundary=c',
    '',
    '--c',
    '',
    'As text',
    '--c',
    'Content-Type: text/html; charset=utf-8',
    '',
    html,
    '--c--',
    '--b',
    'Content-Type: image/png; name=pixel.png',
    'Content-ID: <pixel>',
    'Content-Transfer-Encoding: base64',
    '',
    pixel,
    '--b--',
  )
}

test('messages are chosen by mouse and arrow keys, and their views by tabs', async (t) => {
  const { page, complaints } = await open(t, {
    a: letter('Oldest'),
    b: letter('Middle', 'The text'),
    c: letter('Newest'),
  })
  const heading = (name: string) => page.getByRole('heading', { name, exact: true })
  await page.locator('#list a', { hasText: 'Newest' }).click()
  await heading('Newest').waitFor()
  await page.keyboard.press('ArrowDown')
  await heading('Middle').waitFor()
  t.regex(page.url(), /#b$/)
  await page.locator('pre', { hasText: 'The text' }).waitFor()
  await page.keyboard.press('ArrowUp')
  await heading('Newest').waitFor()
  await page.getByRole('tab', { name: 'Headers' }).click()
  await page.locator('dt', { hasText: 'Subject' }).waitFor()
  await page.keyboard.press('ArrowRight')
  await page.locator('pre.source', { hasText: 'To: ann@example.org' }).waitFor()
  await page.locator('#list a', { hasText: 'Oldest' }).click()
  await page.locator('pre.source', { hasText: 'Subject: Oldest' }).waitFor()
  t.deepEqual(complaints, [])
})

test('a body is shown with its own pictures, and nothing in it runs, loads or leads the page away', async (t) => {
  const remote = await startRemote(t)
  const html = `<!doctype html><h1>Shown</h1><img id="own" src="cid:pixel">
<img src="${remote.url}/a.png"><script>document.querySelector('h1').textContent = 'Ran'</script>
<img src="x" onerror="document.querySelector('h1').textContent = 'Ran'"><link rel="stylesheet" href="${remote.url}/b.css">
<iframe src="${remote.url}/c"></iframe><object data="${remote.url}/d"></object><video src="${remote.url}/e"></video>
<meta http-equiv="refresh" content="0; url=${remote.url}/f"><form action="/send-email" method="post"><button>Send</button></form>
<a id="top" href="${remote.url}/g" target="_top">Top</a> <a id="self" href="${remote.url}/h" target="_self">Self</a>
<a id="tab" href="about:blank#tab">Tab</a>`
  const { page, url } = await open(t, { html: withHtml(html) }, { path: '#html' })
  const frame = page.frameLocator('#reader iframe')
  const shown = frame.getByRole('heading', { name: 'Shown' })
  await shown.waitFor()
  await decoded(frame.locator('#own'))
  await page.getByText('3 remote files were not loaded').waitFor()
  await frame.locator('#top').click()
  await frame.getByRole('button', { name: 'Send' }).click()
  t.is(page.url(), `${url}/outbox/#html`)
  const [tab] = await Promise.all([page.waitForEvent('popup'), frame.locator('#tab').click()])
  t.is(tab.url(), 'about:blank#tab')
  await tab.close()
  await shown.waitFor()
  await frame.locator('#self').click()
  await shown.waitFor({ state: 'detached' })
  t.is((await send(`${url}/tasks`)).json.tasks.length, 0)
  t.deepEqual(remote.asked, [])

  await page.getByRole('button', { name: 'Phone' }).click()
  t.is((await page.locator('#reader iframe').boundingBox())?.width, 375)
  await page.getByRole('button', { name: 'Load images' }).click()
  await shown.waitFor()
  await decoded(frame.locator('img').nth(1))
  t.deepEqual(remote.asked, ['/a.png'])
  await page.getByRole('tab', { name: 'Attachments 1' }).click()
  await decoded(page.locator('.attachments img'))
  t.is(await page.locator('.attachments a').textContent(), 'pixel.png')
})

test('where a token is asked for, the message and its pictures are shown to who has logged in', async (t) => {
  const token = 'a-token-of-some-length-123'
  const messages = { html: withHtml('<h1>Shown</h1><img id="own" src="cid:pixel">') }
  const { page, url } = await open(t, messages, { env: { AFTERWORK_TOKEN: token } })
  t.is(page.url(), `${url}/login`)
  await page.fill('[name=token]', token)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('link', { name: 'Outbox' }).click()
  await page.locator('#list a').click()
  await page.frameLocator('#reader iframe').getByRole('heading', { name: 'Shown' }).waitFor()
  await decoded(page.frameLocator('#reader iframe').locator('#own'))
  await page.getByRole('tab', { name: 'Attachments 1' }).click()
  await decoded(page.locator('.attachments img'))
})

test('new messages appear by themselves above those that are there', async (t) => {
  const { page, data, complaints } = await open(t, {})
  await page.getByText('No messages yet').waitFor()
  await putMessage(data, 'first', letter('First'), 1)
  await page.locator('#list .subject', { hasText: 'First' }).waitFor()
  await page.locator('#list a', { hasText: 'First' }).click()
  await putMessage(data, 'second', letter('Second'), 2)
  await page.locator('#list .fresh', { hasText: 'Second' }).waitFor()
  t.deepEqual(await page.locator('#list .subject').allTextContents(), ['Second', 'First'])
  t.is(await page.locator('#count').textContent(), '2 messages')
  t.is(await page.evaluate('document.activeElement.hash'), '#first')
  t.deepEqual(complaints, [])
})

test('older messages come page by page', async (t) => {
  const messages = Object.fromEntries(
    Array.from({ length: 120 }, (_, index) => [`m-${index}`, letter(`No. ${index}`)]),
  )
  const { page } = await open(t, messages)
  await page.locator('#list a', { hasText: 'No. 119' }).waitFor()
  t.is(await page.locator('#list a').count(), 50)
  await page.getByRole('button', { name: 'Older messages' }).click()
  await page.locator('#list a', { hasText: 'No. 69' }).waitFor()
  await page.getByRole('button', { name: 'Older messages' }).click()
  await page.locator('#list a', { hasText: /No\. 0/ }).waitFor()
  const subjects = await page.locator('#list .subject').allTextContents()
  t.deepEqual(
    subjects,
    Array.from({ length: 120 }, (_, index) => `No. ${119 - index}`),
  )
  t.false(await page.locator('#older').isVisible())
})

test('one message is deleted at once and its neighbour shown, all only after a question', async (t) => {
  const { page, data } = await open(t, { a: letter('A'), b: letter('B'), c: letter('C') }, { path: '#b' })
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('heading', { name: 'A', exact: true }).waitFor()
  t.deepEqual((await readdir(join(data, 'outbox'))).sort(), ['a.eml', 'c.eml'])
  await page.getByRole('button', { name: 'Delete all' }).click()
  await page.getByText('Delete all 2 messages?').waitFor()
  await page.getByRole('button', { name: 'Keep them' }).click()
  t.is((await readdir(join(data, 'outbox'))).length, 2)
  await page.getByRole('button', { name: 'Delete all' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete all' }).click()
  await page.getByText('No messages yet').waitFor()
  t.deepEqual(await readdir(join(data, 'outbox')), [])
})

test('names that read backwards or hide something are shown as what they are', async (t) => {
  const { page } = await open(
    t,
    {
      evil: source(
        'From: =?utf-8?Q?bank=E2=80=AEtop?= <a@example.com>',
        'To: "<b>bold</b>" <b@example.org>',
        'Subject: =?utf-8?Q?<img src=3Dx onerror=3Dalert(1)> =E2=80=AEfdp.exe?=',
        '',
        'x',
      ),
    },
    { path: '#evil' },
  )
  await page.getByRole('heading', { name: '<img src=x onerror=alert(1)> [U+202E]fdp.exe' }).waitFor()
  await page.getByText('bank[U+202E]top <a@example.com>').waitFor()
  await page.locator('.people', { hasText: '<b>bold</b> <b@example.org>' }).waitFor()
  t.is(await page.locator('#panes img, #panes b').count(), 0)
})

test('on a narrow screen there is the list or the message', async (t) => {
  const { page } = await open(
    t,
    { a: letter('A'), b: letter('B') },
    { options: { viewport: { width: 390, height: 780 } } },
  )
  await page.locator('#list a', { hasText: 'B' }).click()
  await page.getByRole('heading', { name: 'B', exact: true }).waitFor()
  t.false(await page.locator('#list').isVisible())
  await page.getByRole('link', { name: 'All messages' }).click()
  await page.locator('#list').waitFor()
  t.false(await page.locator('#reader').isVisible())
  const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  t.false(wide)
})

test('what cannot be read is shown as source, with the reason', async (t) => {
  const { page } = await open(t, { bad: 'neither head nor body' }, { path: '#bad' })
  await page.getByText('This can only be shown as source.').waitFor()
  await page.locator('pre.source', { hasText: 'neither head nor body' }).waitFor()
  t.pass()
})

test('a mail sent from the page of the tasks leads to its message', async (t) => {
  const { page, url, complaints } = await open(t, {})
  await page.goto(url)
  await page.fill('#mail [name=to]', 'ann@example.com')
  await page.fill('#mail [name=subject]', 'Hello there')
  await page.fill('#mail [name=text]', 'From the page')
  await page.click('#mail button')
  await page.getByRole('link', { name: 'Read it' }).click()
  await page.getByRole('heading', { name: 'Hello there' }).waitFor()
  await page.locator('pre', { hasText: 'From the page' }).waitFor()
  t.deepEqual(complaints, [])
})
