import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { isLoopback, readConfig } from '../../src/service/config.ts'
import { temporaryFolder } from '../support/folder.ts'

const noFile = join(import.meta.dirname, 'no-such.config.json')

function read(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  return readConfig(args, env, noFile)
}

test('without anything given the service is for this machine only', (t) => {
  t.like(read(), {
    host: '127.0.0.1',
    port: 3000,
    data: './data',
    maxQueued: 100_000,
    maxQueuedBytes: 256 * 1024 ** 2,
    maxUpload: 200 * 1024 ** 2,
    maxDisk: null,
    thumbnailWidths: [160, 640, 1280],
    keepFiles: 24 * 3_600_000,
    drain: 10_000,
    logLevel: 'info',
    mailConcurrency: 10,
    mailAllow: null,
    mailTemplates: null,
    smtpUrl: null,
    token: null,
  })
})

test('sizes, durations, domains and addresses are understood', (t) => {
  const args = [
    '--max-upload',
    '1.5MB',
    '--max-disk=20GB',
    '--keep-files=7d',
    '--drain',
    '250',
    '--mail-allow',
    'Example.COM, münchen.de',
  ]
  t.like(read(args, { MAIL_FROM: 'Shop & Co <shop@example.com>', AFTERWORK_POOL_MAX: '1' }), {
    maxUpload: 1.5 * 1024 ** 2,
    maxDisk: 20 * 1024 ** 3,
    keepFiles: 7 * 86_400_000,
    drain: 250,
    mailAllow: ['example.com', 'xn--mnchen-3ya.de'],
    mailFrom: '"Shop & Co" <shop@example.com>',
    poolMax: 1,
    poolMin: 1,
  })
})

test('a folder of mail templates that is named must be there', async (t) => {
  const folder = await temporaryFolder(t)
  t.is(read(['--mail-templates', folder]).mailTemplates, folder)
  const missing = () => read([], { MAIL_TEMPLATES: join(folder, 'missing') })
  t.throws(missing, { code: 'AFTERWORK_BAD_OPTION', message: /MAIL_TEMPLATES: Expected a folder/ })
})

test('widths of thumbnails are a list, and none of them is a list, too', async (t) => {
  const file = join(await temporaryFolder(t), 'config.json')
  await writeFile(file, JSON.stringify({ thumbnailWidths: [] }))
  t.deepEqual(readConfig([], {}, file).thumbnailWidths, [])
  t.deepEqual(readConfig([], { AFTERWORK_THUMBNAIL_WIDTHS: 'none' }, noFile).thumbnailWidths, [])
  t.deepEqual(readConfig([], { AFTERWORK_THUMBNAIL_WIDTHS: '' }, file).thumbnailWidths, [])
  t.deepEqual(read(['--thumbnail-widths=']).thumbnailWidths, [])
  t.deepEqual(read(['--thumbnail-widths', '320, 4096']).thumbnailWidths, [320, 4096])
  await writeFile(file, JSON.stringify({ thumbnailWidths: [320, 960] }))
  t.deepEqual(readConfig([], {}, file).thumbnailWidths, [320, 960])
})

test('a flag wins over a variable, a variable over the file, and an empty variable is none', async (t) => {
  const file = join(await temporaryFolder(t), 'config.json')
  await writeFile(
    file,
    JSON.stringify({ port: 1, maxQueued: 11, drain: '1s', mailAllow: ['a.org', 'b.org'] }),
  )
  const env = { PORT: '2', AFTERWORK_MAX_QUEUED: '12', AFTERWORK_DRAIN: '' }
  const config = readConfig(['--port', '3'], env, file)
  t.deepEqual([config.port, config.maxQueued, config.drain], [3, 12, 1_000])
  t.deepEqual(config.mailAllow, ['a.org', 'b.org'])
  t.is(readConfig(['--port', '3', '--port', '4'], {}, file).port, 4)
})

test('a process that only takes requests is asked for by a flag, a variable or the file', async (t) => {
  const file = join(await temporaryFolder(t), 'config.json')
  const queue = 'postgres://me:hunter2@db.example/shop'
  t.true(read(['--queue', queue]).work)
  t.false(read(['--queue', queue, '--no-work']).work)
  t.false(read([], { AFTERWORK_QUEUE: queue, AFTERWORK_NO_WORK: '1' }).work)
  t.true(read([], { AFTERWORK_NO_WORK: '0' }).work)
  await writeFile(file, JSON.stringify({ queue, work: false, pools: ['cpu'] }))
  t.like(readConfig([], {}, file), { queue, work: false })
  t.true(readConfig([], { AFTERWORK_NO_WORK: '0' }, file).work)
  t.false(readConfig(['--no-work'], { AFTERWORK_NO_WORK: '0' }, file).work)
})

const refused: [args: string[], env: NodeJS.ProcessEnv, sentence: RegExp][] = [
  [['--prot', '1'], {}, /got "--prot", did you mean "port"\?/],
  [['--port'], {}, /--port: Expected a value/],
  [['--no-work=yes'], {}, /--no-work: Expected no value, got "yes"/],
  [
    ['--no-work'],
    {},
    /--no-work: tasks would wait for ever, for no other process .* sqlite:\.\/data\/queue\.db; /,
  ],
  [[], { AFTERWORK_NO_WORK: 'yes' }, /AFTERWORK_NO_WORK: Expected '1' or '0', got "yes"/],
  [['--queue', 'postgres:shop'], {}, /--queue: Expected 'postgres:\/\/user:password@host:port\/database'/],
  [['-p', '1'], {}, /a known flag, got "-p"/],
  [['now'], {}, /flags only, got "now"/],
  [['--port', '65536'], {}, /--port: Expected a whole number from 0 to 65535/],
  [['--port', '-1'], {}, /--port/],
  [['--port', '1e3'], {}, /--port: Expected a whole number/],
  [['--max-upload', 'big'], {}, /--max-upload: Expected .*got "big"/],
  [['--max-upload', '0'], {}, /--max-upload: Expected/],
  [
    ['--thumbnail-widths', '160,big'],
    {},
    /--thumbnail-widths: Expected at most 8 whole numbers.*got "160,big"/,
  ],
  [['--thumbnail-widths', '160,,640'], {}, /--thumbnail-widths: Expected/],
  [['--thumbnail-widths', '0'], {}, /--thumbnail-widths: Expected at most 8 whole numbers from 1 to 4096/],
  [[], { AFTERWORK_THUMBNAIL_WIDTHS: '4097' }, /AFTERWORK_THUMBNAIL_WIDTHS: Expected/],
  [['--thumbnail-widths=1,2,3,4,5,6,7,8,9'], {}, /--thumbnail-widths: Expected at most 8/],
  [['--drain', '10 minutes'], {}, /--drain: Expected milliseconds or a duration/],
  [['--log-level', 'loud'], {}, /--log-level: Expected one of trace, .*got "loud"/],
  [['--mail-from', 'a@b, c@d'], {}, /--mail-from: Expected an address/],
  [['--mail-from', 'x\r\nBcc: a@b <a@b>'], {}, /--mail-from: Expected an address/],
  [['--mail-allow', 'a.org,,b.org'], {}, /--mail-allow: Expected domains/],
  [['--pool-min', '3', '--pool-max', '2'], {}, /--pool-min: Expected at most --pool-max, which is 2, got 3/],
  [['--token', 'x'], {}, /a known flag, got "--token"/],
  [['--smtp-url', 'smtp://x'], {}, /a known flag, got "--smtp-url"/],
  [['--token-file', noFile], {}, /--token-file: ENOENT/],
  [[], { AFTERWORK_TOKEN: 'white space' }, /AFTERWORK_TOKEN: Expected 1 to 512 printable ASCII/],
  [[], { SMTP_URL: 'mail.example.com' }, /SMTP_URL: Expected smtp:/],
  [['--host', '0.0.0.0'], {}, /set AFTERWORK_TOKEN or --token-file/],
  [['--host', '::'], {}, /set AFTERWORK_TOKEN or --token-file/],
  [['--host', '192.168.1.5'], {}, /set AFTERWORK_TOKEN or --token-file/],
  [['--host', 'localhost.example.com'], {}, /set AFTERWORK_TOKEN or --token-file/],
]

for (const [args, env, sentence] of refused) {
  const shown = [...args, ...Object.entries(env).map((pair) => pair.join('='))].join(' ')
  test(`${JSON.stringify(shown.replace(noFile, 'a file'))} is refused with one line`, (t) => {
    const { message } = t.throws(() => read(args, env), { code: 'AFTERWORK_BAD_OPTION' })
    t.regex(message, sentence)
    t.false(message.includes('\n'))
  })
}

test('no secret is shown in what refuses it', async (t) => {
  const file = join(await temporaryFolder(t), 'token')
  await writeFile(file, 'hunter2 hunter2')
  const refusals = [
    () => read([], { SMTP_URL: 'http://me:hunter2@example.com' }),
    () => read([], { SMTP_URL: 'hunter2' }),
    () => read([], { AFTERWORK_QUEUE: 'postgres://me:hunter2@db.example:many/shop' }),
    () => read(['--queue', 'postgres://me:1/hunter2@db.example/shop']),
    () => read([], { AFTERWORK_TOKEN: 'hunter2 \n' }),
    () => read(['--token-file', file]),
  ]
  for (const refuse of refusals) {
    t.notRegex(t.throws(refuse, { code: 'AFTERWORK_BAD_OPTION' }).message, /hunter2/)
  }
})

test('a token of a file wins over that of the environment, and opens the service to others', async (t) => {
  const file = join(await temporaryFolder(t), 'token')
  await writeFile(file, 'from-file\n')
  t.is(read(['--host', '0.0.0.0', '--token-file', file], { AFTERWORK_TOKEN: 'from-env' }).token, 'from-file')
  t.is(read(['--host', '0.0.0.0'], { AFTERWORK_TOKEN: 'from-env' }).token, 'from-env')
})

test('a config file that is no object of known keys and plain values is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'config.json')
  const contents: [content: string, sentence: RegExp][] = [
    ['', /is not JSON/],
    ['[]', /Expected a JSON object/],
    ['null', /Expected a JSON object/],
    ['{"prot": 1}', /got "prot", did you mean "port"\?/],
    ['{"port": "many"}', /port in .*config\.json: Expected a whole number/],
    ['{"port": true}', /port in .*config\.json: Expected a string or number/],
    ['{"work": "no"}', /work in .*config\.json: Expected true or false, got "no"/],
    ['{"data": {}}', /data in .*config\.json: Expected a string or number/],
  ]
  for (const [content, message] of contents) {
    await writeFile(file, content)
    t.throws(() => readConfig([], {}, file), { code: 'AFTERWORK_BAD_OPTION', message })
  }
  await mkdir(join(folder, 'a-folder'))
  const asFile = join(folder, 'a-folder')
  t.throws(() => readConfig([], {}, asFile), { code: 'AFTERWORK_BAD_OPTION', message: /cannot be read/ })
})

test('only addresses of this machine are loopback', (t) => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST'])
    t.true(isLoopback(host), host)
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.example.com',
    'example.com',
    '1127.0.0.1',
    '',
  ]) {
    t.false(isLoopback(host), host)
  }
})
