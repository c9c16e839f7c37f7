import type * as Pg from 'pg'
import { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client, ClientConfig, Pool, PoolClient, QueryResult } from 'pg'
import { AfterworkError } from '../../core/errors.ts'
import { importPg } from './peers.ts'

/** How long a statement may take, and how long it may take to connect, in milliseconds. */
const patience = { statement: 15_000, connection: 10_000 }
/** How long the server lets a transaction of ours stand still, in milliseconds: by then whoever waits for it still does. */
const still = 10_000
/**
 * A transaction whose process says nothing any more, for it or the way to it is gone, is ended by the server: before that, nobody else
 * gets what it has locked.
 */
const begin = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${still}`
/** What is acknowledged is on disk, whatever the database, or the role, has been told to do about others. */
const synchronous = {
  text: `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
  query_timeout: patience.connection,
}
/** How long a connection may take to end in good order, in milliseconds. */
export const lastWords = 2_000
/** How long it takes to listen again after the connection was lost, in milliseconds. */
const again = 500
/** Transactions that stood in each other's way are tried so often. */
const mostTries = 8
/** SQLSTATEs of those: deadlock_detected, serialization_failure. */
const inTheWay = new Set(['40P01', '40001'])
/** What a user's transaction has locked is waited for without a connection, for as long as for a statement; lock_not_available. */
const locked = '55P03'
/** How long until the next look, in milliseconds. */
const look = { first: 5, most: 100 }

/** A statement, prepared under its name on each connection. */
export interface Statement {
  name: string
  text: string
}

/** Where a transaction's statements go. */
export type Run = <Row extends object>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>

/** Connections to the database: a pool for statements, and one that listens. */
export class Database {
  readonly #url: string
  readonly #most: number
  readonly #patience: number
  #pg: typeof Pg.default | undefined
  #pool: Pool | undefined
  readonly #sockets = new Set<Socket>()
  #listener: Client | undefined
  #listening = false
  #closed = false
  #retry: NodeJS.Timeout | undefined

  /** `most` is how many connections there are for statements, each of which may take so many milliseconds. */
  constructor(url: string, most: number, patienceOfStatement = patience.statement) {
    this.#url = url
    this.#most = most
    this.#patience = patienceOfStatement
  }

  /** @throws AFTERWORK_PACKAGE_MISSING, AFTERWORK_QUEUE_UNUSABLE */
  async open(): Promise<void> {
    this.#pg = (await importPg()).default
    this.#pool = new this.#pg.Pool({
      ...this.#config('afterwork'),
      max: this.#most,
      idleTimeoutMillis: 30_000,
      verify: (client, done) => client.query(synchronous, (error) => done(error)),
    })
    // An idle connection that breaks is replaced with the next statement.
    this.#pool.on('error', () => {})
    // On its way to whoever waits for it, a connection is nobody's; its next statement says that it broke.
    this.#pool.on('connect', (client) => client.on('error', () => {}))
    try {
      await this.#pool.query('SELECT 1')
    } catch (error) {
      await this.close()
      const { message } = error as Error
      throw new AfterworkError(
        'AFTERWORK_QUEUE_UNUSABLE',
        `The database of the queue cannot be used: ${message}`,
        {
          cause: error,
        },
      )
    }
  }

  /** Runs one statement, which is a transaction; again where it stood in another one's way. */
  readonly run: Run = async (statement, values) => {
    for (let tries = 1; ; tries++) {
      try {
        return (await this.#query(this.#pool!, statement, values)).rows as never[]
      } catch (error) {
        const { code = '' } = error as { code?: string }
        if (tries === mostTries || !inTheWay.has(code)) throw told(error)
      }
    }
  }

  /** Statements as pg-boss gives them. */
  async execute(text: string, values: unknown[] = []): Promise<QueryResult> {
    return await this.#pool!.query(text, values)
  }

  /**
   * Runs statements in one transaction; again from the beginning where it stood in another one's way, so `work` must have
   * no other effects.
   */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const since = performance.now()
    for (let tries = 1, wait = look.first; ; wait = Math.min(wait * 2, look.most)) {
      const client = await this.#connect()
      let broken: Error | undefined
      const lost = (error: Error): void => {
        broken = error
      }
      client.on('error', lost)
      try {
        await client.query(begin)
        const result = await work(
          async (statement, values) => (await this.#query(client, statement, values)).rows as never[],
        )
        await client.query('COMMIT')
        return result
      } catch (error) {
        if (isUnknown(error)) broken = error as Error
        else await client.query('ROLLBACK').catch(lost)
        const { code = '' } = error as { code?: string }
        const waits = code === locked && performance.now() - since < patience.statement
        if (!waits && !(inTheWay.has(code) && tries++ < mostTries)) throw told(error)
      } finally {
        client.removeListener('error', lost)
        client.release(broken)
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  /**
   * Listens on channels, and again whenever the connection was lost; `connected` is called each time it listens, for what
   * was said meanwhile was not heard.
   */
  listen(channels: readonly string[], heard: (what: string) => void, connected: () => void): void {
    if (this.#closed) return
    const client = new this.#pg!.Client(this.#config('afterwork listen'))
    this.#listener = client
    let over = false
    const lost = (): void => {
      if (over) return
      over = true
      this.#listening = false
      client.end().catch(() => {})
      if (!this.#closed) this.#retry = setTimeout(() => this.listen(channels, heard, connected), again)
    }
    client.on('error', lost)
    client.on('end', lost)
    client.on('notification', ({ payload }) => heard(payload ?? ''))
    client
      .connect()
      .then(() => client.query(channels.map((name) => `LISTEN ${client.escapeIdentifier(name)}`).join(';')))
      .then(() => {
        if (over) return
        this.#listening = true
        connected()
      })
      .catch(lost)
  }

  /** Whether news come at once, and need not be asked for. */
  get listening(): boolean {
    return this.#listening
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#retry)
    const ended = Promise.all([this.#listener?.end().catch(() => {}), this.#pool?.end()])
    await Promise.race([ended, wait(lastWords, undefined, { ref: false })])
    // A server that says nothing any more would keep them, and them the process, for ever.
    for (const socket of this.#sockets) socket.destroy()
  }

  #config(name: string): ClientConfig {
    return {
      connectionString: this.#url,
      application_name: name,
      connectionTimeoutMillis: patience.connection,
      query_timeout: this.#patience,
      keepAlive: true,
      stream: () => this.#socket(),
    }
  }

  #socket(): Socket {
    const socket = new Socket()
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool!.connect()
    } catch (error) {
      throw told(error)
    }
  }

  #query(on: Pool | PoolClient, { name, text }: Statement, values: readonly unknown[]): Promise<QueryResult> {
    return on.query({ name, text, values: values as unknown[] })
  }
}

/** Whether it cannot be known if a statement that failed with this was carried out: the server did not say it. */
export function isUnknown(error: unknown): boolean {
  const cause = causeOf(error)
  if (cause === undefined) return false
  const { severity, code = '' } = cause
  return severity === undefined || code.startsWith('08') || code.startsWith('57P')
}

/** Whether a statement that failed with this did not even reach a server that could carry it out. */
export function isUnsent(error: unknown): boolean {
  const { code, syscall } = causeOf(error) ?? {}
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === '57P03'
}

/** Whether it may go well later: the server is away, is short of something, or only lets read. */
export function isPassing(error: unknown): boolean {
  return isUnknown(error) || /^(25|53|55|58)/.test(causeOf(error)?.code ?? '')
}

interface DatabaseError {
  severity?: string
  code?: string
  syscall?: string
}

/** What the database, or the way to it, said; undefined for an error that is ours. */
function causeOf(error: unknown): DatabaseError | undefined {
  return (error instanceof AfterworkError ? error.cause : error) as DatabaseError | undefined
}

/** What it does not say itself: that it can be tried again. */
function told(error: unknown): unknown {
  if (error instanceof AfterworkError || !isPassing(error)) return error
  const message = 'The database of the queue does not answer; try again later'
  return new AfterworkError('AFTERWORK_QUEUE_FAILED', message, { cause: error })
}
