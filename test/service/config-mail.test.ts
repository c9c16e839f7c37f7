import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readConfig } from '../../src/service/config.ts'
import { temporaryFolder } from '../support/folder.ts'
import { certificates } from '../support/smtp.ts'

function read(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return readConfig(args, env, 'no-such.config.json')
}

test('how mail leaves is understood', (t) => {
  const ca = join(certificates, 'ca.pem')
  const flags = ['--mail-redirect', 'staging@Example.com', '--mail-rate', '600/m', '--mail-suppress=off']
  t.like(read([...flags, '--smtp-tls', 'opportunistic', '--smtp-ca', ca]), {
    mailRedirect: 'staging@example.com',
    mailRate: { max: 600, per: 60_000 },
    mailSuppress: false,
    smtpTls: 'opportunistic',
    smtpCa: ca,
  })
  t.deepEqual(read([], { MAIL_RATE: '10/s' }).mailRate, { max: 10, per: 1_000 })
  t.deepEqual(read([], { MAIL_RATE: '5/h' }).mailRate, { max: 5, per: 3_600_000 })
  t.deepEqual(read([], { MAIL_RATE: '7/d' }).mailRate, { max: 7, per: 86_400_000 })
  const url = 'smtps://user:p%40ss@mail.example.com:465/?connectionTimeout=5000&name=app.example.com'
  t.is(read([], { SMTP_URL: url }).smtpUrl, url)
  t.like(
    read(['--dkim-key-file', 'k.pem', '--dkim-selector', 'mail_2026.a', '--dkim-domain', 'München.de']),
    {
      dkimDomain: 'xn--mnchen-3ya.de',
    },
  )
})

const refused: [args: string[], env: NodeJS.ProcessEnv, sentence: RegExp][] = [
  [['--mail-redirect', 'a@b.org, c@d.org'], {}, /--mail-redirect: Expected one address/],
  [['--mail-redirect', 'Staging <a@b.org>'], {}, /--mail-redirect: Expected one address/],
  [['--mail-rate', '10'], {}, /--mail-rate: Expected a rate such as '10\/s'/],
  [['--mail-rate', '0/s'], {}, /--mail-rate: Expected/],
  [['--mail-rate', '1000000/s'], {}, /--mail-rate: Expected/],
  [['--mail-rate', '1.5/s'], {}, /--mail-rate: Expected/],
  [['--mail-rate', '10/w'], {}, /--mail-rate: Expected/],
  [['--mail-suppress', 'yes'], {}, /--mail-suppress: Expected 'on' or 'off'/],
  [['--smtp-tls', 'none'], {}, /--smtp-tls: Expected one of required, opportunistic/],
  [['--smtp-ca', '/no/such'], {}, /--smtp-ca: Expected a file of certificates in PEM form, got ENOENT/],
  [['--smtp-ca', join(certificates, 'make.sh')], {}, /--smtp-ca: Expected a file of certificates/],
  [['--dkim-key-file', 'k.pem'], {}, /--dkim-selector: Expected the selector of the key/],
  [['--dkim-selector', 'x'], {}, /--dkim-key-file: Expected the key of/],
  [['--dkim-domain', 'example.com'], {}, /--dkim-key-file: Expected the key of/],
  [['--dkim-selector', 'a;b'], {}, /--dkim-selector: Expected a DKIM selector/],
  [['--dkim-domain', 'a b'], {}, /--dkim-domain: Expected a domain/],
  [
    [],
    { SMTP_URL: 'smtp://mail.example.com/?tls.rejectUnauthorized=false' },
    /SMTP_URL, its query: Expected only/,
  ],
  [[], { SMTP_URL: 'smtp://mail.example.com/?ignoreTLS=true' }, /SMTP_URL, its query: Expected only/],
  [[], { SMTP_URL: 'smtp://mail.example.com/?requireTLS=false' }, /SMTP_URL, its query: Expected only/],
  [[], { SMTP_URL: 'smtp://mail.example.com/?__proto__=1' }, /SMTP_URL, its query: Expected only/],
]

for (const [args, env, sentence] of refused) {
  const shown = [...args, ...Object.entries(env).map((pair) => pair.join('='))].join(' ')
  test(`${JSON.stringify(shown.replace(certificates, ''))} is refused with one line`, (t) => {
    const { message } = t.throws(() => read(args, env), { code: 'AFTERWORK_BAD_OPTION' })
    t.regex(message, sentence)
    t.false(message.includes('\n'))
  })
}

test('what is wrong with SMTP_URL is told without its password', (t) => {
  const SMTP_URL = 'smtp://user:hunter2@mail.example.com/?x=1'
  t.notRegex(t.throws(() => read([], { SMTP_URL })).message, /hunter2/)
})

test('a file of several certificates is one, with whatever stands between them', async (t) => {
  const ca = await readFile(join(certificates, 'ca.pem'), 'utf8')
  const file = join(await temporaryFolder(t), 'bundle.pem')
  await writeFile(file, `# ours\n${ca}\n# once more\n${ca}\n\n`)
  t.is(read(['--smtp-ca', file]).smtpCa, file)
})
