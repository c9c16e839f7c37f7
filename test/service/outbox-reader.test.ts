import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { OutboxReader } from '../../src/service/outbox/reader.ts'
import { skim } from '../../src/service/outbox/skim.ts'
import { summaryOf } from '../../src/service/outbox/summary.ts'
import { temporaryFolder } from '../support/folder.ts'
import { letter, putMessage, source } from '../support/outbox.ts'

test('what is asked at a time is answered in order, and too much of it is refused', async (t) => {
  const data = await temporaryFolder(t)
  await putMessage(data, 'good', letter('Good'))
  const reader = new OutboxReader(join(data, 'outbox'))
  t.teardown(() => reader.close())
  const asked = Array.from({ length: 300 }, () => reader.ask({ ask: 'message', id: 'good' }))
  const settled = await Promise.allSettled(asked)
  const answered = settled.filter(({ status }) => status === 'fulfilled')
  t.is(answered.length, 201)
  for (const outcome of settled.slice(201)) t.like(outcome, { reason: { status: 503, code: 'OUTBOX_BUSY' } })
})

test('who waits when it closes is refused, and nobody is answered after it', async (t) => {
  const data = await temporaryFolder(t)
  const reader = new OutboxReader(join(data, 'outbox'))
  const waiting = [1, 2].map(() => t.throwsAsync(reader.ask({ ask: 'message', id: 'none' })))
  await reader.close()
  for (const error of await Promise.all(waiting)) t.like(error, { code: 'OUTBOX_CLOSED' })
  t.like(await t.throwsAsync(reader.ask({ ask: 'clear' })), { code: 'OUTBOX_CLOSED' })
})

test('a folder that cannot be read is an error, and the next is answered', async (t) => {
  const data = await temporaryFolder(t)
  await writeFile(join(data, 'outbox'), 'a file')
  const reader = new OutboxReader(join(data, 'outbox'))
  t.teardown(() => reader.close())
  t.like(await t.throwsAsync(reader.ask({ ask: 'page', after: null, limit: 1 })), { code: 'ENOTDIR' })
  t.like(await t.throwsAsync(reader.ask({ ask: 'page', after: null, limit: 1 })), { code: 'ENOTDIR' })
})

test('the beginning of each part is found wherever the file is cut into chunks', async (t) => {
  const data = await temporaryFolder(t)
  await mkdir(join(data, 'outbox'))
  const path = join(data, 'outbox', 'large.eml')
  const head = source(
    'From: a@example.com',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'Text',
    '',
  )
  const part = source('--b', 'Content-Disposition: attachment', 'Content-Transfer-Encoding: base64', '', '')
  for (let shift = -4; shift <= 4; shift++) {
    // The second boundary begins about where the first megabyte ends.
    const filling = 'QUJD'.repeat((1024 ** 2 - head.length - part.length - 8) >> 2)
    const padding = 'A'.repeat(1024 ** 2 - head.length - part.length - filling.length + shift)
    const content = `${head}${part}${filling}${padding}\r\n${part}QUJD\r\n--b--\r\n`
    await writeFile(path, content)
    t.true(skim(path).length < 200_000)
    const summary = await summaryOf(path, { id: 'large', storedAt: 0, size: content.length })
    t.deepEqual([summary.attachments, summary.preview], [2, 'Text'], `shifted by ${shift}`)
  }
})

test('a message behind a link is read, as one that a person put there', async (t) => {
  const data = await temporaryFolder(t)
  await putMessage(data, 'good', letter('Good'))
  await symlink(join(data, 'outbox', 'good.eml'), join(data, 'outbox', 'link.eml'))
  const reader = new OutboxReader(join(data, 'outbox'))
  t.teardown(() => reader.close())
  const answer = await reader.ask({ ask: 'page', after: null, limit: 10 })
  t.true(answer.found)
  const opened = await reader.open('link')
  t.is(opened?.size, letter('Good').length)
  await opened?.handle.close()
})

test('what takes too long is given up with its thread, and each who waits gets an answer', async (t) => {
  const data = await temporaryFolder(t)
  // Less than a thread needs to start.
  const reader = new OutboxReader(join(data, 'outbox'), 1)
  t.teardown(() => reader.close())
  const asked = [1, 2, 3].map(() => t.throwsAsync(reader.ask({ ask: 'message', id: 'none' })))
  for (const error of await Promise.all(asked)) t.like(error, { status: 503, code: 'OUTBOX_SLOW' })
})
