import { createHash } from 'node:crypto'
import type { SentRequest } from './asked.ts'
import { readJournal, type JournalLine } from './journal.ts'
import { namedIn } from './judge/folder.ts'
import type { Kill } from './lives.ts'
import type { Delivery } from './mailbox.ts'
import type { Outage } from './outage.ts'
import { getTask, listTasks, type SeenTask } from './records.ts'
import { send } from './send.ts'
import { sweptFolder, type SeenFolder } from './strays.ts'

/** A stored file, as the service gives it back. */
export interface SeenFile {
  /** Of the whole content; null when it is not there. */
  sha256: string | null
  /** Names of the thumbnails that are there. */
  variants: string[]
}

/** All that is known from outside once the tasks have ended. */
export interface Evidence {
  requests: SentRequest[]
  /** By the id that was asked for; that of an alias leads to the task it stands for. */
  records: Map<string, SeenTask>
  journal: JournalLine[]
  deliveries: Delivery[]
  /** By the id of the task that the file came with. */
  files: Map<string, SeenFile>
  folder: SeenFolder
  kills: readonly Kill[]
  /** Of a database that several processes may share; null where one process has the queue for itself. */
  outages: readonly Outage[] | null
}

/** Where the service and its tasks write. */
export interface Places {
  /** The journal. */
  journal: string
  /** The folder of stored files. */
  files: string
}

/** How many are asked for at a time. */
const atATime = 8

/**
 * Asks the service for every task and every file, once its sweep has removed what nothing names, and reads what the
 * tasks wrote.
 * @param before what was in the folder of stored files before that sweep
 */
export async function gather(
  url: string,
  places: Places,
  before: string[],
  told: Pick<Evidence, 'requests' | 'deliveries' | 'kills' | 'outages'>,
  signal: AbortSignal,
): Promise<Evidence> {
  const listed = (await listTasks(url)).map(({ id }) => id)
  const promised = told.requests.flatMap(({ ids }) => ids ?? [])
  const records = new Map<string, SeenTask>()
  await each(new Set([...listed, ...promised]), async (id) => {
    const record = await getTask(url, id)
    if (record !== undefined) records.set(id, record)
  })
  const after = await sweptFolder(places.files, namedIn({ records }), signal)
  const files = new Map<string, SeenFile>()
  await each(records.values(), async ({ id, file }) => {
    if (file !== null) files.set(id, await fetchFile(`${url}/files/${file.id}`, file.variants))
  })
  const { lines } = await readJournal(places.journal)
  return { ...told, records, journal: lines, files, folder: { before, after } }
}

async function fetchFile(url: string, variants: string[]): Promise<SeenFile> {
  const content = await fetchWhole(url)
  const found = []
  for (const name of variants) if ((await fetchWhole(`${url}/${name}`))?.length) found.push(name)
  return {
    sha256: content === undefined ? null : createHash('sha256').update(content).digest('hex'),
    variants: found,
  }
}

async function fetchWhole(url: string): Promise<Buffer | undefined> {
  const answer = await send(url)
  return answer?.status === 200 ? answer.body : undefined
}

async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]()
  const one = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atATime }, one))
}
