import { currentTask, TaskError } from 'afterwork/worker'
import { DatabaseError, Pool, type PoolClient } from 'pg'
import { timeout } from './tasks.ts'

let connections: Pool | undefined

/** The connections of this thread, from its first task on. */
function pool(): Pool {
  if (connections !== undefined) return connections
  connections = new Pool({
    connectionString: process.env['DATABASE_URL'],
    // One for each task at a time, and one on which to end a query while all the others are busy.
    max: 5,
    connectionTimeoutMillis: 5_000,
    // The signal comes first. These are for the process that is gone and can cancel nothing any more.
    statement_timeout: timeout,
    idle_in_transaction_session_timeout: timeout,
  })
  // An idle connection that breaks is replaced by the next task; unheard, it would be an uncaught exception.
  connections.on('error', () => {})
  return connections
}

/** Ends the connections of this thread. */
export async function teardown(): Promise<void> {
  const ending = connections
  connections = undefined
  await ending?.end()
}

/**
 * Does `work` in a transaction. When the task is cancelled or takes too long, the query that it waits for ends, too.
 * @throws TaskError, not retried, for what the database will not take however often; TaskError that pauses the pool of
 *   the task where no other could succeed either; any other error as it is, for the task's `retries`
 */
export async function transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  const { signal } = currentTask()
  const client = await pool().connect().catch(judge)
  let cut: Promise<void> | undefined
  const cancel = () => {
    cut = disconnect(client).catch(() => {})
  }
  // A connection that breaks fails its query, too; unheard, it would be an uncaught exception as well.
  const broken = () => {}
  client.on('error', broken)
  signal.addEventListener('abort', cancel)
  let done = false
  try {
    signal.throwIfAborted()
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    done = true
    return result
  } catch (error) {
    signal.throwIfAborted()
    return judge(error)
  } finally {
    signal.removeEventListener('abort', cancel)
    // Or it might cut off whoever gets this connection next.
    await cut
    client.off('error', broken)
    // Closed, it rolls back whatever was done on it, in whatever state it is.
    client.release(!done || cut !== undefined)
  }
}

/** Has the server end a connection: with the query that runs on it, and so that none can follow. */
async function disconnect(client: PoolClient): Promise<void> {
  // Known to pg, if not to its types.
  const { processID } = client as PoolClient & { processID: number }
  await pool().query('SELECT pg_terminate_backend($1)', [processID])
}

/** Throws the error again, with what should follow where that is known; classes of SQLSTATE are in PostgreSQL's appendix A. */
function judge(error: unknown): never {
  const state = error instanceof DatabaseError ? (error.code ?? '') : ''
  const because = { code: state, cause: error }
  // Bad data, a broken constraint: the next attempt would end the same way.
  if (/^(22|23)/.test(state)) throw new TaskError((error as Error).message, { retry: false, ...because })
  // Wrong password, no such database or table: no other task can succeed until somebody mends it.
  if (/^(28|3D|42)/.test(state))
    throw new TaskError((error as Error).message, { pausePool: true, ...because })
  throw error
}
