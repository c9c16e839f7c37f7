import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeArguments } from '../../src/core/value.ts'
import { toFailure } from '../../src/core/failure.ts'
import { SqliteQueue } from '../../src/queue/sqlite/engine.ts'
import type { Ending } from '../support/endings.ts'
import { temporaryFolder } from '../support/folder.ts'
import { hour, newTask, succeeded, type Wanted } from '../queue/conformance/subject.ts'

/** A folder with the data of a service that was stopped: five failed tasks, one that succeeded, two that wait. */
export interface AtRest {
  folder: string
  file: string
  failed: string[]
  succeeded: string
  queued: string
  scheduled: string
}

/** What a hostile task may say in its error. */
export const hostile = 'too \x1b[2J far\u202e\nand on'

/** Makes such a folder, with a real engine. */
export async function queueAtRest(ending: Ending): Promise<AtRest> {
  const folder = await temporaryFolder(ending)
  await mkdir(join(folder, 'data'))
  const file = join(folder, 'data', 'queue.db')
  const engine = new SqliteQueue(file, { maxTasks: 1e6, maxBytes: 1e9 }, { tasks: 1e5 })
  await engine.open()
  const add = async (wanted: Wanted) => {
    const task = newTask(wanted)
    await engine.add([task], { held: false })
    return task.id
  }
  const args = encodeArguments([{ to: 'a@example.org', password: 'hunter2' }], 'mail.sendEmail')
  const mails = { name: 'mail.sendEmail', args, options: { priority: 2 } }
  const failed = [await add(mails), await add(mails), await add(mails), await add({}), await add({})]
  const well = await add({})
  const tasks = await engine.claim('cpu', 10)
  await engine.start(
    tasks.map(({ id }) => id),
    Date.now(),
  )
  const error = toFailure(Object.assign(new RangeError(hostile), { responseCode: 550 }))
  for (const { id, attempt } of tasks) {
    const settlement =
      id === well ? succeeded('{"n":1}') : { state: 'failed' as const, at: Date.now(), failure: error }
    await engine.record(id, attempt, settlement)
  }
  const queued = await add({})
  const scheduled = await add({ options: { delay: hour } })
  await engine.close()
  return { folder, file, failed, succeeded: well, queued, scheduled }
}
