import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import pg from 'pg'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

const opener = fileURLToPath(new URL('./opener.ts', import.meta.url))

/** Opens the queue in a process of its own, and adds a task; gives how that went. */
async function open(t: ExecutionContext, url: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['--conditions=afterwork-source', opener, url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said: said.trim() }
}

async function connect(t: ExecutionContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return client
}

test('postgres: eight processes that open an empty database at once all start', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const client = await connect(t, url)
  await client.query('DROP SCHEMA afterwork CASCADE; DROP SCHEMA afterwork_boss CASCADE')
  const ended = await Promise.all(Array.from({ length: 8 }, () => open(t, url)))
  t.deepEqual(
    ended,
    ended.map(() => ({ code: 0, said: 'added' })),
  )
  const { rows } = await client.query('SELECT count(*)::integer AS tasks FROM afterwork.tasks')
  t.deepEqual(rows, [{ tasks: 8 }])
})

test('postgres: an older package refuses the schema of a newer one, and changes nothing in it', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const client = await connect(t, url)
  await client.query("UPDATE afterwork.version SET version = 1000, functions = 'newer'")
  const { code, said } = await open(t, url)
  t.is(code, 1)
  t.regex(said, /^AFTERWORK_QUEUE_UNUSABLE: .*newer version/)
  const { rows } = await client.query('SELECT version, functions FROM afterwork.version')
  t.deepEqual(rows, [{ version: 1000, functions: 'newer' }])
})

test('postgres: a server that is not there is said to be so, and keeps no process', async (t) => {
  const url = new URL(await databases.create(t))
  url.port = '1'
  const { code, said } = await open(t, url.href)
  t.is(code, 1)
  t.regex(said, /^AFTERWORK_QUEUE_UNUSABLE: .*ECONNREFUSED/)
})
