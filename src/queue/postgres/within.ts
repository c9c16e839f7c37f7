import type { TransactionClient } from '../../core/client.ts'
import { AfterworkError } from '../../core/errors.ts'
import type { QueueBounds } from '../queue.ts'
import type { NewRow } from './row.ts'
import type { Statements } from './sql.ts'

/** What PostgreSQL says outside a transaction, and of a schema or table that is not there. */
const state = { noTransaction: '25P01', noSchema: '3F000', noTable: '42P01' }

/**
 * Adds a task within a transaction of the caller's own; `queue` is the identity of the queue that is meant. Gives how full it
 * is, where there is no room.
 * @throws AFTERWORK_BAD_OPTION where no transaction is open, or in another database; any other error is the client's own
 */
export async function addWithin(
  client: TransactionClient,
  sql: Statements,
  queue: string,
  row: NewRow,
  { maxTasks, maxBytes }: QueueBounds,
): Promise<string | null> {
  try {
    await execute(client, sql.inTransaction.text, [])
  } catch (error) {
    throw explained(error, row.name)
  }
  const given = JSON.stringify({ queue, row, maxTasks, maxBytes })
  const [answer] = await execute(client, sql.addWithin.text, [given])
  const { refused } = answer as { refused: string | null }
  if (refused === 'elsewhere') throw elsewhere(row.name)
  return refused
}

async function execute(client: TransactionClient, text: string, values: unknown[]): Promise<unknown[]> {
  const { rows } =
    'executeSql' in client ? await client.executeSql(text, values) : await client.query(text, values)
  return rows
}

function explained(error: unknown, name: string): unknown {
  switch (stateOf(error)) {
    case state.noTransaction:
      return wrong(
        name,
        'a connection with an open transaction, on which all its statements are made, got one without: BEGIN first',
        error,
      )
    case state.noSchema:
    case state.noTable:
      return elsewhere(name, error)
    default:
      return error
  }
}

/** ORMs wrap what the server says. */
function stateOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: string; cause?: { code?: string } }
  return cause?.code ?? code
}

function elsewhere(name: string, cause?: unknown): AfterworkError {
  return wrong(name, 'a connection to the database of the queue, got one to another', cause)
}

function wrong(name: string, expected: string, cause: unknown): AfterworkError {
  const message = `${name}.with().client: Expected ${expected}`
  return new AfterworkError('AFTERWORK_BAD_OPTION', message, { cause })
}
