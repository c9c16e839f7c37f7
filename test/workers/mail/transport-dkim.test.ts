import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../../support/folder.ts'
import { startMailbox } from '../../support/smtp.ts'
import { signing, signingKey } from '../../../workers/mail/dkim.ts'
import { toServer } from '../../../workers/mail/transport-server.ts'
import { messageTo, sending } from './message.ts'
import { signatureProblem, signedNames } from './signature.ts'

async function keyFile(t: ExecutionContext, pem: string): Promise<string> {
  const file = join(await temporaryFolder(t), 'dkim.pem')
  await writeFile(file, pem)
  return file
}

function rsa(bits: number, type: 'pkcs1' | 'pkcs8' = 'pkcs8'): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return privateKey.export({ type, format: 'pem' }) as string
}

async function signed(t: ExecutionContext) {
  const [file, data] = [await keyFile(t, rsa(2_048)), await temporaryFolder(t)]
  const dkim = signing({
    DKIM_KEY_FILE: file,
    DKIM_DOMAIN: 'example.com',
    DKIM_SELECTOR: 'mail',
    AFTERWORK_DATA: data,
  })!
  const mailbox = await startMailbox(t)
  const deliver = toServer({ url: mailbox.url(), opportunistic: false, ca: undefined, dkim })
  const key = createPublicKey(signingKey(file))
  return { mailbox, deliver, key, dkim }
}

test('each mail has a signature that verifies, which covers what a recipient goes by', async (t) => {
  const { mailbox, deliver, key } = await signed(t)
  const message = messageTo('mira@example.org', {
    replyTo: { name: '', address: 'help@example.com' },
    list: { unsubscribe: 'https://example.com/u' },
    headers: { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
    html: '<p>Hällo  wörld </p>',
  })
  await deliver(message, sending())
  const { raw } = await mailbox.mailTo('mira@example.org')
  t.is(signatureProblem(raw, key), undefined)
  const names = signedNames(raw)
  for (const name of [
    'from',
    'to',
    'reply-to',
    'subject',
    'date',
    'message-id',
    'mime-version',
    'content-type',
  ])
    t.true(names.includes(name), name)
  t.true(names.includes('list-unsubscribe') && names.includes('list-unsubscribe-post'))
  t.regex(raw, /d=example\.com/)
  // The test would notice.
  t.is(signatureProblem(raw.replace('Subject: ', 'Subject: Re: '), key), 'another signature')
  t.is(signatureProblem(`${raw}x\r\n`, key), 'another body')
})

test('a message that is sent again has the same signature', async (t) => {
  const { mailbox, deliver } = await signed(t)
  await deliver(messageTo('mira@example.org'), sending())
  await deliver(messageTo('mira@example.org'), sending(2))
  t.is(mailbox.received[0]!.raw, mailbox.received[1]!.raw)
})

test('a message too large for memory waits for its signature in a file, which is gone afterwards', async (t) => {
  const { mailbox, deliver, key, dkim } = await signed(t)
  const content = Buffer.alloc(9 * 1024 ** 2, 'afterwork ')
  const attachments = [{ filename: 'large.bin', content: Readable.from([content]) }]
  await deliver(messageTo('mira@example.org', { attachments }), sending())
  const { raw } = await mailbox.mailTo('mira@example.org')
  t.is(signatureProblem(raw, key), undefined)
  t.deepEqual(await readdir(dkim.cacheDir), [])
})

test('without a key, and only then, nothing is signed', (t) => {
  t.is(signing({}), undefined)
})

test('a key that would not sign is refused, and none of it is told', async (t) => {
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const cases: [pem: string, sentence: RegExp][] = [
    [ed25519, /^Expected an RSA key, got ed25519$/],
    [rsa(512), /^Expected an RSA key of at least 1024 bits, got 512$/],
    [publicKey.export({ type: 'spki', format: 'pem' }) as string, /^Expected a private key in PEM form/],
    ['not a key', /^Expected a private key in PEM form/],
    ['', /^Expected a private key in PEM form/],
    [rsa(2_048).replaceAll('A', 'B'), /^Expected /],
  ]
  for (const [pem, sentence] of cases) {
    const file = await keyFile(t, pem)
    const { message } = t.throws(() => signingKey(file))
    t.regex(message, sentence)
    t.false(message.includes('PRIVATE'))
  }
  t.throws(() => signingKey('/no/such/key'), { code: 'ENOENT' })
  t.is(signingKey(await keyFile(t, rsa(1_024, 'pkcs1'))).asymmetricKeyType, 'rsa')
})
