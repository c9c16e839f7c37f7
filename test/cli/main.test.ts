import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/folder.ts'
import { command } from '../support/process.ts'

/** The command must end with one line on standard error and code 1. */
async function refuses(
  t: ExecutionContext,
  args: string[],
  line: RegExp,
  { env = {}, folder }: { env?: NodeJS.ProcessEnv; folder?: string } = {},
): Promise<void> {
  const { ended } = await command(t, args, env, folder)
  const { code, stdout, stderr } = await ended
  t.regex(stderr, /^afterwork: [^\n]+\n$/)
  t.regex(stderr, line)
  t.notRegex(stderr, /\.[tj]s:\d+/)
  t.is(stdout, '')
  t.is(code, 1)
}

test('a misspelled flag is refused with the one that was meant', async (t) => {
  await refuses(t, ['serve', '--prot', '1'], /a known flag, got "--prot", did you mean "port"\?/)
})

test('a flag of the wrong type is refused', async (t) => {
  await refuses(t, ['serve', '--max-queued', 'many'], /--max-queued: Expected a whole number .*, got "many"/)
})

test('a port out of range is refused', async (t) => {
  await refuses(t, ['serve'], /PORT: Expected a whole number from 0 to 65535, got "70000"/, {
    env: { PORT: '70000' },
  })
})

test('a port that is taken is refused', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await refuses(
    t,
    ['serve', '--port', String(port)],
    new RegExp(`127\\.0\\.0\\.1:${port}: the port is taken`),
  )
})

test('a data folder that cannot be written to is refused', async (t) => {
  const file = join(await temporaryFolder(t), 'a file')
  await writeFile(file, '')
  await refuses(t, ['serve', '--port', '0', '--data', join(file, 'data')], /--data .*a file.*: ENOTDIR/)
})

test('a queue that there is not is refused', async (t) => {
  await refuses(
    t,
    ['serve', '--port', '0'],
    /AFTERWORK_QUEUE: Expected 'memory:'.*'postgres:.*, got "redis:\/\/localhost"/,
    {
      env: { AFTERWORK_QUEUE: 'redis://localhost' },
    },
  )
})

test('a wrong URL of a queue is refused without showing its password', async (t) => {
  for (const url of ['postgres://me:hunter2@db.example:many/shop', 'redis://me:hunter2@db.example']) {
    for (const args of [
      ['serve', '--port', '0', '--queue', url],
      ['work', '--queue', url],
      ['tasks', 'list', '--queue', url],
    ]) {
      const { code, stdout, stderr } = await (await command(t, args)).ended
      t.true(code === 1 || code === 2)
      t.regex(
        stderr,
        /^afterwork: --queue: Expected [^\n]*'postgres:\/\/user:password@host:port\/database'[^\n]*\n$/,
      )
      t.false((stdout + stderr).includes('hunter2'))
    }
  }
})

test('who only takes requests, or only works, needs a queue that others share', async (t) => {
  await refuses(
    t,
    ['serve', '--port', '0', '--no-work'],
    /--no-work: .* sqlite:\.\/data\/queue\.db; .*--queue postgres:/,
  )
  await refuses(t, ['work'], /--queue: Expected .*'postgres:.*, got "sqlite:\.\/data\/queue\.db"/)
  await refuses(t, ['work', '--queue', 'memory:'], /--queue: Expected .*, got "memory:"/)
})

test('where pg and pg-boss are missing, who needs them says what to install, and nobody else does', async (t) => {
  const env = { NODE_OPTIONS: `--import=${new URL('without-pg.ts', import.meta.url).href}` }
  const queue = ['--queue', 'postgres://me@127.0.0.1:1/shop']
  const { peerDependencies } = JSON.parse(
    await readFile(new URL(import.meta.resolve('afterwork/package.json')), 'utf8'),
  ) as { peerDependencies: Record<string, string> }
  const install = `npm install pg pg-boss@${peerDependencies['pg-boss']}`
  const needed = new RegExp(`A queue in PostgreSQL needs the packages pg and pg-boss: ${install}\n$`)
  for (const args of [['work'], ['serve', '--port', '0', '--no-work']])
    await refuses(t, [...args, ...queue], needed, { env })
  await (await command(t, ['serve', '--port', '0'], env)).listening()
})

test('a wrong SMTP_URL is refused without showing its password', async (t) => {
  const { ended } = await command(t, ['serve', '--port', '0'], { SMTP_URL: 'http://me:hunter2@mail.example' })
  const { code, stderr } = await ended
  t.is(code, 1)
  t.regex(stderr, /^afterwork: SMTP_URL: Expected smtp:\/\/user:password@host:port or smtps:[^\n]*\n$/)
  t.false(stderr.includes('hunter2'))
})

test('a config file that is no JSON, or has a key that there is not, is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'afterwork.config.json')
  await writeFile(file, '{\n  "port": 1,\n}\n')
  await refuses(t, ['serve'], /afterwork\.config\.json is not JSON: /, { folder })
  await writeFile(file, '{"prot": 1}')
  await refuses(t, ['serve'], /a known key, got "prot", did you mean "port"\?/, { folder })
})

test('a host that others can reach is refused without a token', async (t) => {
  await refuses(
    t,
    ['serve', '--host', '0.0.0.0'],
    /--host 0\.0\.0\.0 .*: set AFTERWORK_TOKEN or --token-file/,
  )
})

test('an unknown command is refused with the one that was meant', async (t) => {
  await refuses(
    t,
    ['server'],
    /Expected serve, work, tasks, pools, top, move, --version or --help, got "server", did you mean "serve"\?/,
  )
})

test('--version tells that of the package, and no command the usage', async (t) => {
  const { version } = JSON.parse(
    await readFile(new URL(import.meta.resolve('afterwork/package.json')), 'utf8'),
  ) as { version: string }
  const told = await (await command(t, ['--version'])).ended
  t.deepEqual([told.code, told.stdout, told.stderr], [0, `${version}\n`, ''])
  for (const args of [[], ['--help']]) {
    const { code, stdout } = await (await command(t, args)).ended
    t.is(code, 0)
    t.regex(stdout, /afterwork serve \[flags\]/)
  }
})
