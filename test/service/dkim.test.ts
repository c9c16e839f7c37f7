import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readConfig } from '../../src/service/config.ts'
import { checkDkim } from '../../src/service/dkim.ts'
import { mailEnvironment, withoutMail } from '../../src/service/mail-environment.ts'
import { startDns, type TxtAnswer } from '../support/dns.ts'
import { temporaryFolder } from '../support/folder.ts'
import { post } from '../support/http.ts'
import { serve } from '../support/service.ts'
import { startMailbox } from '../support/smtp.ts'
import { signatureProblem } from '../workers/mail/signature.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey

async function keyFile(t: ExecutionContext, key: KeyObject = privateKey): Promise<string> {
  const file = join(await temporaryFolder(t), 'dkim.pem')
  await writeFile(file, key.export({ type: 'pkcs8', format: 'pem' }))
  return file
}

function published(key: KeyObject, type: 'spki' | 'pkcs1' = 'spki'): string {
  return key.export({ type, format: 'der' }).toString('base64')
}

/** What the log warns of at a start with a key, whose record this is. */
async function check(t: ExecutionContext, answer: TxtAnswer, flags: string[] = [], key = privateKey) {
  const warnings: string[] = []
  const asked: string[] = []
  const resolver = await startDns(t, (name) => {
    asked.push(name)
    return answer
  })
  const args = [
    '--dkim-key-file',
    await keyFile(t, key),
    '--dkim-selector',
    'mail26',
    '--mail-from',
    'shop@example.com',
  ]
  const config = readConfig([...args, ...flags], {}, 'no-such.config.json')
  await checkDkim(config, { warn: (...said: unknown[]) => void warnings.push(String(said[1])) }, resolver)
  return { warnings, asked }
}

const ours = createPublicKey(privateKey)

test('a key whose public half is published is fine, however the record is written', async (t) => {
  const record = published(ours)
  for (const text of [
    `v=DKIM1; k=rsa; p=${record}`,
    `v=DKIM1;t=s;p = ${record.slice(0, 100)} ${record.slice(100)} ;`,
    `p=${published(ours, 'pkcs1')}`,
  ]) {
    t.deepEqual(await check(t, [text]), { warnings: [], asked: ['mail26._domainkey.example.com'] })
  }
  t.deepEqual((await check(t, [`v=DKIM1; p=${published(other)}`, `v=DKIM1; p=${record}`])).warnings, [])
})

test('a key that is not the published one, or is revoked, stops the start with one line', async (t) => {
  for (const [record, got] of [
    [`v=DKIM1; p=${published(other)}`, /got another one$/],
    ['v=DKIM1; p=', /got a record that revokes it$/],
  ] as const) {
    const error = await t.throwsAsync(check(t, [record]), { code: 'AFTERWORK_BAD_OPTION', message: got })
    t.regex(error!.message, /in the TXT record mail26\._domainkey\.example\.com/)
    t.false(error!.message.includes('\n'))
  }
})

test('without a record, or without DNS, the start goes on with a warning', async (t) => {
  t.deepEqual((await check(t, 'no such name')).warnings, ['there is no DKIM record yet'])
  t.deepEqual((await check(t, [])).warnings, ['there is no DKIM record yet'])
  t.deepEqual((await check(t, ['v=spf1 -all'])).warnings, ['there is no DKIM record yet'])
  t.deepEqual((await check(t, 'nothing')).warnings, ['the DKIM record is not known'])
})

test('a short key, and one of another domain than the sender, is a warning', async (t) => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey
  const record = `p=${published(createPublicKey(short))}`
  t.deepEqual((await check(t, [record], [], short)).warnings, ['the DKIM key has fewer than 2048 bits'])
  const elsewhere = await check(t, [`p=${published(ours)}`], ['--dkim-domain', 'example.org'])
  t.deepEqual(elsewhere.warnings, ['mail is signed for another domain than that of the sender'])
  t.deepEqual(elsewhere.asked, ['mail26._domainkey.example.org'])
  t.deepEqual(
    (
      await check(
        t,
        [`p=${published(ours)}`],
        ['--mail-from', 'a@eu.example.com', '--dkim-domain', 'example.com'],
      )
    ).warnings,
    [],
  )
})

test('a key that cannot sign stops the start with one line that tells nothing of it', async (t) => {
  const { privateKey: ed25519 } = generateKeyPairSync('ed25519')
  const error = await t.throwsAsync(check(t, 'nothing', [], ed25519), { code: 'AFTERWORK_BAD_OPTION' })
  t.regex(error!.message, /^--dkim-key-file .*: Expected an RSA key, got ed25519$/)
  const missing = readConfig(
    ['--dkim-key-file', '/no/such', '--dkim-selector', 'x'],
    {},
    'no-such.config.json',
  )
  await t.throwsAsync(checkDkim(missing, { warn: () => {} }), {
    message: /^--dkim-key-file \/no\/such: ENOENT/,
  })
})

test('each mail of the service is signed', async (t) => {
  const mailbox = await startMailbox(t)
  const flags = [
    '--dkim-selector',
    'mail26',
    '--dkim-domain',
    'example.invalid',
    '--dkim-key-file',
    await keyFile(t),
  ]
  const service = await serve(t, [...flags, '--mail-from', 'shop@example.invalid'], {
    SMTP_URL: mailbox.url(),
  })
  const mail = { to: 'mira@example.org', subject: 'Grüße', text: 'Hällo', html: '<p>Hällo</p>' }
  t.is((await post(`${service.url}/send-email`, mail)).status, 202)
  const { raw } = await mailbox.mailTo('mira@example.org')
  t.is(signatureProblem(raw, ours), undefined)
  t.regex(raw.replaceAll(/\r\n +/g, ' '), /d=example\.invalid; q=dns\/txt; s=mail26;/)
})

test('only the threads that send mail are told of key and server', async (t) => {
  const file = await keyFile(t)
  const env = {
    DKIM_KEY_FILE: file,
    DKIM_SELECTOR: 'x',
    SMTP_URL: 'smtp://user:secret@localhost',
    MAIL_REDIRECT: '',
    HOME: '/',
  }
  t.deepEqual(withoutMail(env), { HOME: '/' })
  const config = readConfig([], { ...env, MAIL_FROM: 'Shop <shop@example.com>' }, 'no-such.config.json')
  t.deepEqual(mailEnvironment(config), {
    MAIL_FROM: '"Shop" <shop@example.com>',
    MAIL_SUPPRESS: 'on',
    SMTP_TLS: 'required',
    SMTP_URL: env.SMTP_URL,
    DKIM_KEY_FILE: file,
    DKIM_SELECTOR: 'x',
    DKIM_DOMAIN: 'example.com',
  })
})
