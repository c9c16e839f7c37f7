import { AfterworkError } from '../../core/errors.ts'
import { isAlive } from '../../queue/sqlite/at-rest/alive.ts'
import { queueHolder, type Holder } from '../../queue/sqlite/at-rest/entry.ts'
import { readServiceFile } from '../../service/service-file.ts'
import type { Where } from '../where.ts'
import { Client } from './client.ts'
import { FileOperator } from './file-operator.ts'
import type { Operator } from './operator.ts'
import { ServiceOperator } from './service-operator.ts'

/** How long a service may take to say that it lives, in milliseconds. */
const patience = 5_000

/** Whom to ask, and what a person should know of that. */
export interface Connection {
  operator: Operator
  /** The file of the queue, where it is on this machine. */
  file: string | undefined
  /** One line, where the answer comes from a file that somebody else works on. */
  note: string | undefined
}

/**
 * The running service where there is one, else the file of the queue.
 * @throws AFTERWORK_NO_SERVICE, AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT
 */
export async function connect(where: Where): Promise<Connection> {
  const { url, token, file, data } = where
  if (url !== undefined)
    return { operator: new ServiceOperator(new Client(url, token)), file: undefined, note: undefined }
  const holder = file === undefined ? undefined : await queueHolder(file)
  const found = announced(where, holder)
  if (found !== undefined) {
    const client = new Client(found, token)
    const refusal = await silence(client)
    if (refusal === undefined) return { operator: new ServiceOperator(client), file, note: undefined }
    client.close()
    if (file === undefined) throw refusal
  }
  if (file === undefined)
    throw new AfterworkError(
      'AFTERWORK_NO_SERVICE',
      `No service of ${data} runs, and memory: keeps nothing in a file; --url says where one listens`,
    )
  const note = holder === undefined ? undefined : unanswered(file, holder, found)
  return { operator: await FileOperator.open(file, note), file, note }
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
