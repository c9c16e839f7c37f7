import type { Reference } from './brand.ts'
import { AfterworkError, badOption } from './errors.ts'

/**
 * A connection of your own on which a transaction is open: a Client of node-postgres, or what the adapters of pg-boss
 * (`fromDrizzle`, `fromKysely`, `fromKnex`, `fromPrisma`) make of the transaction of an ORM.
 */
export type TransactionClient = QueryClient | SqlExecutor

/** What a Client or PoolClient of node-postgres is, as far as it matters here. */
export interface QueryClient {
  query(text: string, values?: any[]): Promise<{ rows: any[] }>
  totalCount?: 'a Pool gives each statement a connection of its own: use one that is from pool.connect()'
}

/** What the adapters of pg-boss give. */
export interface SqlExecutor {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: any[] }>
}

/** By this a reference holds its client, which is never stored. Global, because the package may be loaded twice. */
const within: unique symbol = Symbol.for('afterwork.client')

/** Gives a reference the client in whose transaction its task is to be added. */
export function setClient(reference: object, client: TransactionClient): void {
  Object.defineProperty(reference, within, { value: client })
}

/** The client that a reference was given by `.with({ client })`, or undefined. */
export function clientOf(reference: Reference): TransactionClient | undefined {
  return (reference as { [within]?: TransactionClient })[within]
}

/** Throws AFTERWORK_BAD_OPTION unless it could be one on which a transaction is open. */
export function checkClient(value: unknown, what: string): asserts value is TransactionClient {
  const { query, executeSql, totalCount } = (value ?? {}) as Partial<QueryClient & SqlExecutor>
  if (totalCount !== undefined)
    throw badOption(what, 'one connection with an open transaction, from `await pool.connect()`', value)
  if (typeof query === 'function' || typeof executeSql === 'function') return
  throw badOption(what, 'a client with query() or executeSql(), on which a transaction is open', value)
}

/** Throws AFTERWORK_BAD_OPTION for a reference with a client, where `got` is none that adds to a transaction of the caller's. */
export function refuseClient(reference: Reference, got: string): void {
  if (clientOf(reference) === undefined) return
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `${reference.name}.with({ client }): Expected \`await afterwork.addTask(...)\`, which alone can add to a transaction of yours, got ${got}`,
  )
}
