import { readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import PostalMime from 'postal-mime'
import { RunningTask } from '../../src/pool/worker/current.ts'
import type { sendEmail } from '../../workers/mail.ts'
import type { Message } from '../../workers/mail/message.ts'
import { Endings } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'

const endings = new Endings()
let data: string
let send: typeof sendEmail
test.before(async () => {
  data = await temporaryFolder(endings)
  delete process.env['SMTP_URL']
  Object.assign(process.env, { AFTERWORK_DATA: data, MAIL_FROM: 'shop@example.com' })
  // It reads its environment when it is loaded, as it does in a thread of the pool.
  ;({ sendEmail: send } = await import('../../workers/mail.ts'))
})
test.after.always(() => endings.run())

/** Sends a message as a task of this id does. */
function run(id: string, message: Partial<Message>, attempt = 1) {
  const catalog = { tasks: '', names: new Set<string>(), pools: new Set<string>(), teardown: false }
  const task = new RunningTask({ id, name: 'mail.sendEmail', attempt, args: '[]' }, catalog)
  const date = new Date('2026-11-21T10:00:00Z')
  return task.run(() => send({ to: 'mira@example.org', subject: 'Files', text: 'Hi', date, ...message }))
}

/** Whether the task would be tried again, as an error of the package says it. */
function isRetried(error: Error): boolean {
  const steering = Reflect.get(error, Symbol.for('afterwork.steering')) as { retry: boolean }
  return steering.retry
}

function eml(id: string): Promise<Buffer> {
  return readFile(join(data, 'outbox', `${id}.eml`))
}

async function stored(id: string, content: string | Uint8Array): Promise<StoredFile> {
  const path = join(data, id)
  await writeFile(path, content)
  return { id, name: 'client.bin', type: 'text/plain', size: content.length, path }
}

test('stored files and variants go out byte by byte, under the names and types given', async (t) => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256)
  const file = await stored('whole-file', bytes)
  await writeFile(`${file.path}.report.pdf`, 'a variant')
  await run('attached', {
    attachments: [
      { file, name: 'Größe "x"\r\nBcc: evil@example.org.bin', type: 'application/octet-stream' },
      { file, variant: 'report.pdf', name: 'report.pdf', type: 'application/pdf' },
    ],
  })
  const { attachments, headers, text } = await PostalMime.parse(await eml('attached'))
  t.is(text?.trim(), 'Hi')
  t.false(headers.some(({ key }) => key === 'bcc'))
  t.deepEqual(
    attachments.map(({ mimeType, disposition }) => [mimeType, disposition]),
    [
      ['application/octet-stream', 'attachment'],
      ['application/pdf', 'attachment'],
    ],
  )
  t.deepEqual(Buffer.from(attachments[0]!.content as ArrayBuffer), Buffer.from(bytes))
  t.is(Buffer.from(attachments[1]!.content as ArrayBuffer).toString(), 'a variant')
  t.regex(attachments[0]!.filename ?? '', /^Größe "x"/)
})

test('a message with attachments that is sent again is the same, byte by byte', async (t) => {
  const file = await stored('again-file', 'some text\nof lines\n')
  const message = { html: '<p>Hi</p>', attachments: [{ file, name: 'a.txt', type: 'text/plain' }] }
  await run('again', message)
  const first = await eml('again')
  await run('again', message, 2)
  t.deepEqual(await eml('again'), first)
})

test('an attachment that is gone fails the task for good, and nothing is sent', async (t) => {
  const file = await stored('gone-file', 'x')
  const attachments = [
    { file, name: 'here', type: 'text/plain' },
    { file, variant: 'report.pdf', name: 'report.pdf', type: 'application/pdf' },
  ]
  const error = await t.throwsAsync(run('gone', { attachments }), { code: 'ATTACHMENT_MISSING' })
  t.false(isRetried(error))
  t.false(error.message.includes(data))
  t.false((await readdir(join(data, 'outbox')).catch((): string[] => [])).includes('gone.eml'))
})

test('attachments of more than 25 MB in all fail the task for good, and nothing is sent', async (t) => {
  const file = await stored('large-file', 'x')
  await truncate(file.path, 13 * 1024 ** 2)
  const one = { file, name: 'large', type: 'application/octet-stream' }
  const error = await t.throwsAsync(run('large', { attachments: [one, one] }), {
    code: 'ATTACHMENTS_TOO_LARGE',
  })
  t.false(isRetried(error))
  t.false((await readdir(join(data, 'outbox')).catch((): string[] => [])).includes('large.eml'))
})

test('no attachment stays open, whether it was sent or not', async (t) => {
  const openFiles = () => readdir('/proc/self/fd')
  const file = await stored('open-file', 'x'.repeat(200_000))
  const attachments = [{ file, name: 'x', type: 'text/plain' }]
  await run('open', { attachments })
  const before = (await openFiles()).length
  for (let index = 0; index < 5; index++) {
    await run('open', { attachments })
    await run('missing', {
      attachments: [...attachments, { ...attachments[0]!, variant: 'no.txt' }],
    }).catch(() => {})
    await run('refused', {
      attachments,
      to: 'x\r\ny',
      html: { path: '/etc/hostname' } as unknown as string,
    }).catch(() => {})
  }
  t.true((await openFiles()).length <= before)
})
