import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readWorkerConfig } from '../../src/service/config-worker.ts'
import { temporaryFolder } from '../support/folder.ts'

const noFile = join(import.meta.dirname, 'no-such.config.json')
const queue = 'postgres://me:hunter2@db.example/shop'

function read(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  return readWorkerConfig(args, { AFTERWORK_QUEUE: queue, ...env }, noFile)
}

test('a worker has what the service has, and all pools', (t) => {
  const env = { SMTP_URL: 'smtp://mail.example', MAIL_RATE: '10/s' }
  t.like(read(['--max-queued', '7'], env), {
    queue,
    tasks: null,
    pools: null,
    maxQueued: 7,
    smtpUrl: 'smtp://mail.example',
    mailRate: { max: 10, per: 1_000 },
  })
})

test('pools are a list, and their sizes are threads, threads from and to, and tasks at a time in each', (t) => {
  const { pools, sizes } = read(['--pools', 'cpu, mail', '--pool', 'mail=0-1x20', '--pool=pdf=3,http=2x5'])
  t.deepEqual(pools, ['cpu', 'mail'])
  t.deepEqual(
    [...sizes],
    [
      ['mail', { maxThreads: 1, minThreads: 0, concurrency: 20 }],
      ['pdf', { maxThreads: 3 }],
      ['http', { maxThreads: 2, concurrency: 5 }],
    ],
  )
  const { pools: some, sizes: own } = read([], { AFTERWORK_POOLS: 'cpu', AFTERWORK_POOL: 'cpu=2,pdf=1' })
  t.deepEqual([some, own.size], [['cpu'], 2])
})

for (const [flags, sentence] of [
  [['--pools', 'cpu,,mail'], /--pools: Expected names of pools separated by commas/],
  [['--pool', 'mail'], /--pool: Expected NAME=THREADS, .*, got "mail"/],
  [['--pool', 'mail=0'], /--pool: Expected NAME=THREADS, .*, got "mail=0"/],
  [['--pool', 'mail=3-2'], /--pool: Expected/],
  [['--pool', 'mail=1x0'], /--pool: Expected/],
  [['--pool', 'mail=99999999999999999999'], /--pool: Expected/],
  [['--pool', '=1'], /--pool: Expected/],
  [['--port', '1'], /afterwork work: Expected a known flag, got "--port"/],
  [['--no-work'], /afterwork work: Expected a known flag, got "--no-work"/],
  [['--tasks', 'a.ts', '--mail-from', 'a@b.c'], /afterwork work: Expected a known flag, got "--mail-from"/],
  [['cpu'], /afterwork work: Expected flags only, got "cpu"/],
  [
    ['--queue', 'sqlite:a.db'],
    /--queue: Expected the URL of a queue that other processes add to, .*, got "sqlite:a\.db"/,
  ],
] as const) {
  test(`afterwork work ${flags.join(' ')} is refused`, (t) => {
    t.throws(() => read(flags), { code: 'AFTERWORK_BAD_OPTION', message: sentence })
  })
}

test('what only concerns requests may be among the variables and in the file, and is not looked at', async (t) => {
  const file = join(await temporaryFolder(t), 'config.json')
  await writeFile(
    file,
    JSON.stringify({ port: 'any', work: false, host: '0.0.0.0', pools: ['cpu'], drain: '1s' }),
  )
  const env = { AFTERWORK_QUEUE: queue, AFTERWORK_NO_WORK: '1', AFTERWORK_TOKEN_FILE: '/no/such', PORT: 'x' }
  t.like(readWorkerConfig([], env, file), { pools: ['cpu'], drain: 1_000, work: true, token: null })
})

test('with tasks of its own an app may mean something else by variables of the service', async (t) => {
  const env = { SMTP_URL: 'the first of two', MAIL_RATE: 'often', AFTERWORK_DRAIN: '1s' }
  t.like(read(['--tasks', 'dist/tasks.js'], env), { tasks: 'dist/tasks.js', drain: 1_000, smtpUrl: null })
  t.like(read([], { ...env, AFTERWORK_TASKS: 'a.ts' }), { tasks: 'a.ts' })
  const file = join(await temporaryFolder(t), 'config.json')
  await writeFile(file, JSON.stringify({ tasks: 'b.ts', queue }))
  t.like(readWorkerConfig([], env, file), { tasks: 'b.ts', smtpUrl: null })
})
