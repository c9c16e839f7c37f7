import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { pino } from 'pino'
import { chromium, type Browser, type Page } from 'playwright-core'
import sharp from 'sharp'
import { readConfig } from '../../src/service/config.ts'
import { startService, type Service } from '../../src/service/service.ts'

const quiet = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
]

let browser: Browser
let service: Service
let data: string

test.before(async () => {
  data = await mkdtemp(join(tmpdir(), 'afterwork-page-'))
  service = await startService(
    readConfig(['--port', '0', '--data', data], {}, join(data, 'none.json')),
    pino({ level: 'silent' }),
  )
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet],
  })
})

test.after.always(async () => {
  await browser?.close()
  await service?.stop()
  if (data !== undefined) await rm(data, { recursive: true, force: true })
})

/** A page, and all that its console and its policy complained of. */
async function open(): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(service.url)
  return { page, complaints }
}

test('a dropped picture is answered 202 and its thumbnails appear when its task has ended', async (t) => {
  const { page, complaints } = await open()
  const picture = join(data, 'picture.png')
  await sharp({ create: { width: 1600, height: 900, channels: 3, background: '#4878d0' } })
    .png()
    .toFile(picture)
  await page.setInputFiles('#files', picture)
  await page.getByText('File uploaded and processing started').waitFor()
  await page.locator('.thumbnails img').nth(2).waitFor()
  const loaded = await page
    .locator('.thumbnails img')
    .evaluateAll((images) =>
      Promise.all(images.map((image) => (image as unknown as { decode(): Promise<void> }).decode())),
    )
  t.is(loaded.length, 3)
  t.deepEqual(complaints, [])
  await page.close()
})

test('a mail sent from the form is delivered and its answer shown', async (t) => {
  const { page, complaints } = await open()
  await page.fill('#mail [name=to]', 'ann@example.com')
  await page.fill('#mail [name=subject]', 'Hello')
  await page.fill('#mail [name=text]', 'From the page')
  await page.click('#mail button')
  await page.getByText('Email queued').waitFor()
  await page.locator('tr[data-state=succeeded]', { hasText: 'mail.sendEmail' }).waitFor()
  t.deepEqual(complaints, [])
  await page.close()
})

test('what the service refuses is shown in words with its code', async (t) => {
  const { page } = await open()
  await page.fill('#mail [name=to]', 'ann@localhost')
  await page.fill('#mail [name=subject]', 'Hello')
  await page.fill('#mail [name=text]', 'x')
  await page.click('#mail button')
  await page.getByText('BAD_ADDRESS').waitFor()
  t.pass()
  await page.close()
})
