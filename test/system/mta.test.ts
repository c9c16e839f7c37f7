import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import PostalMime from 'postal-mime'
import { temporaryFolder } from '../support/folder.ts'
import { post, send } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { startPostfix, type Postfix } from '../support/postfix.ts'
import { serveCommand } from '../support/process.ts'

const verifier = fileURLToPath(new URL('../support/verify-dkim.py', import.meta.url))
const selector = 'test'
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`

/** The service as a process of its own, which sends through an MTA and signs for example.com. */
async function serve(t: ExecutionContext, postfix: Postfix): Promise<string> {
  const keyFile = join(await temporaryFolder(t), 'key.pem')
  await writeFile(keyFile, pem)
  const dkim = ['--dkim-domain', 'example.com', '--dkim-selector', selector, '--dkim-key-file', keyFile]
  const env = {
    SMTP_URL: postfix.url,
    NODE_EXTRA_CA_CERTS: postfix.certificate,
    MAIL_FROM: 'Shop <shop@example.com>',
  }
  const service = await serveCommand(t, dkim, env)
  return service.listening()
}

/** What an independent implementation thinks of the signature. */
async function verified(message: Buffer): Promise<boolean> {
  const name = `${selector}._domainkey.example.com`
  // Debian's, which sees Debian's packages.
  const python = promisify(execFile)('/usr/bin/python3', [verifier, name, record])
  python.child.stdin!.end(message)
  return (await python).stdout.trim() === 'True'
}

test('a mail goes through a real MTA by STARTTLS and login, and arrives as it was composed and signed', async (t) => {
  const postfix = await startPostfix(t)
  const url = await serve(t, postfix)
  // Every byte there is, the line ends and dots that SMTP treats in its own way among them.
  const content = Buffer.concat([
    Buffer.from('.\r\n..\n\r\r\n.\r\n'),
    Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256)),
  ])
  const uploaded = await send(`${url}/upload-file`, fileForm(content, 'Übersicht 1.bin'))
  const [file] = uploaded.json.files as { id: string }[]
  const mail = {
    to: 'mira@example.org',
    subject: 'Grüße, und eine Zeile, die so lang ist, dass sie im Kopf der Nachricht gefaltet werden muss',
    text: '.\n..\nFrom here on: grüße\n',
    html: `<p>Grüße</p>\n.\n<p>${'lang '.repeat(400)}</p>`,
    attachments: [file!.id],
  }
  t.is((await post(`${url}/send-email`, mail)).status, 202)

  const [message] = await postfix.delivered(1)
  const email = await PostalMime.parse(message!)
  t.deepEqual(email.from, { name: 'Shop', address: 'shop@example.com' })
  t.deepEqual(email.to, [{ name: '', address: 'mira@example.org' }])
  t.is(email.subject, mail.subject)
  t.is(email.text?.replaceAll('\r\n', '\n').trimEnd(), mail.text.trimEnd())
  t.is(email.html?.replaceAll('\r\n', '\n').trimEnd(), mail.html)
  t.is(email.attachments.length, 1)
  t.is(email.attachments[0]!.filename, 'Übersicht 1.bin')
  t.deepEqual(Buffer.from(email.attachments[0]!.content as ArrayBuffer), content)
  const received = email.headers.find(({ key }) => key === 'received')
  t.regex(
    received!.value,
    /\(using TLSv1\.\d with cipher .*\(Authenticated sender: shop\b.*by mx\.example\.com/s,
  )

  t.true(await verified(message!))
  const text = message!.toString('latin1')
  for (const changed of [text.replace(/^Subject: /m, '$&Re: '), text.replace('From here', 'From there')]) {
    t.not(changed, text)
    t.false(await verified(Buffer.from(changed, 'latin1')))
  }
})

test('mails wait for an MTA that was stopped, and arrive once when it is back', async (t) => {
  const postfix = await startPostfix(t)
  const url = await serve(t, postfix)
  const ask = async (subject: string) => {
    const mail = { to: ['ada@example.org', 'bob@example.org'], subject, text: 'x' }
    const { json } = await post(`${url}/send-email`, mail)
    return (json.tasks as { id: string }[]).map(({ id }) => id)
  }
  const subjects = async (count: number) => {
    const emails = (await postfix.delivered(count)).map((message) => PostalMime.parse(message))
    return (await Promise.all(emails)).map(({ subject, to }) => `${subject} ${to![0]!.address}`).toSorted()
  }
  // Connections of before are in the pool when the server goes.
  await ask('before')
  await postfix.delivered(2)
  await postfix.stop()
  const ids = await ask('meanwhile')
  const all = (wanted: string) =>
    Promise.all(ids.map((id) => until(`${url}/tasks/${id}`, ({ state }) => state === wanted)))
  await all('scheduled')
  // The waits between attempts are made for hours without a server: here an operator has them sent at once.
  await post(`${url}/pools/mail/pause`, undefined)
  await all('scheduled')
  for (const id of ids)
    for (const action of ['cancel', 'retry'])
      t.is((await post(`${url}/tasks/${id}/${action}`, undefined)).status, 202)
  await postfix.start()
  await post(`${url}/pools/mail/resume`, undefined)
  await all('succeeded')
  await postfix.untilIdle()
  const each = ['before', 'meanwhile'].flatMap((subject) =>
    ['ada', 'bob'].map((name) => `${subject} ${name}@example.org`),
  )
  t.deepEqual(await subjects(4), each)
})

/** Asks again until the answer is as wanted. */
async function until(url: string, wanted: (answer: any) => boolean): Promise<void> {
  while (!wanted((await send(url)).json));
}
