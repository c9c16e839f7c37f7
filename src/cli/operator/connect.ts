import { AfterworkError } from '../../core/errors.ts'
import { isAlive } from '../../queue/sqlite/at-rest/alive.ts'
import { queueHolder, type Holder } from '../../queue/sqlite/at-rest/entry.ts'
import { readServiceFile, type ServiceFile } from '../../service/service-file.ts'
import type { Where } from '../where.ts'
import { Client } from './client.ts'
import type { DatabaseOperator } from './database-operator.ts'
import { FileOperator } from './file-operator.ts'
import type { DirectOperator, Operator } from './operator.ts'
import { ServiceOperator } from './service-operator.ts'

/** How long a service may take to say that it lives, in milliseconds. */
const patience = 5_000

/** Whom to ask, and what a person should know of that. */
export interface Connection {
  operator: Operator
  /** Opens the queue itself, where it can be reached from here. */
  direct: (() => Promise<DirectOperator>) | undefined
  /** One line, where the answer comes from a file that somebody else works on. */
  note: string | undefined
}

/**
 * The running service where there is one, else the queue itself, its file or its database.
 * @throws AFTERWORK_NO_SERVICE, AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT
 */
export async function connect(where: Where): Promise<Connection> {
  const { url, token, file, data, queue, database } = where
  if (url !== undefined)
    return { operator: new ServiceOperator(new Client(url, token)), direct: undefined, note: undefined }
  if (database !== undefined) return await connectToDatabase(where, database)
  const holder = file === undefined ? undefined : await queueHolder(file)
  const found = announced(where, holder)
  if (found !== undefined) {
    const client = new Client(found, token)
    const refusal = await silence(client)
    if (refusal === undefined)
      return {
        operator: new ServiceOperator(client),
        direct: file === undefined ? undefined : () => FileOperator.open(file),
        note: undefined,
      }
    client.close()
    if (file === undefined) throw refusal
  }
  if (file === undefined)
    throw new AfterworkError(
      'AFTERWORK_NO_SERVICE',
      `No service of ${data} runs here, and ${queue} is no file to read; --url says where one listens`,
    )
  const note = holder === undefined ? undefined : unanswered(file, holder, found)
  return { operator: await FileOperator.open(file, note), direct: undefined, note }
}

/** A service of this machine goes first, unless the database was named by hand. */
async function connectToDatabase({ data, token, byHand }: Where, url: string): Promise<Connection> {
  const operator = await openDatabase(url)
  const said: ServiceFile | undefined = byHand ? undefined : readServiceFile(data)
  try {
    // The database knows who lives; a number alone may be another process's by now.
    if (said !== undefined && (await operator.lives(said.pid))) {
      const client = new Client(said.url, token)
      if ((await silence(client)) === undefined) {
        await operator.close()
        return {
          operator: new ServiceOperator(client),
          direct: () => openDatabase(url),
          note: undefined,
        }
      }
      client.close()
    }
    return { operator, direct: undefined, note: undefined }
  } catch (error) {
    await operator.close()
    throw error
  }
}

/** Loaded only where there is one. */
async function openDatabase(url: string): Promise<DatabaseOperator> {
  const { DatabaseOperator } = await import('./database-operator.ts')
  return await DatabaseOperator.open(url)
}

/** Where the service listens, if what it wrote is not left over from one that died. */
function announced({ data, file }: Where, holder: Holder | undefined): string | undefined {
  const said = readServiceFile(data)
  if (said === undefined) return undefined
  // Whoever has the lock is alive; a number alone may be another process's by now.
  const runs = file === undefined ? isAlive(said.pid) : holder?.pid === said.pid
  return runs ? said.url : undefined
}

function unanswered(file: string, { pid }: Holder, url: string | undefined): string {
  const who = pid === undefined ? 'another process' : `process ${pid}`
  const silent = url === undefined ? 'says nowhere where it listens' : `does not answer at ${url}`
  return `${who} works on ${file} and ${silent} (name its address with --url)`
}

/** Why the service does not answer, if it does not. */
async function silence(client: Client): Promise<AfterworkError | undefined> {
  try {
    await client.ask('/livez', { within: patience })
    return undefined
  } catch (error) {
    if (error instanceof AfterworkError && error.code === 'AFTERWORK_NO_SERVICE') return error
    throw error
  }
}
