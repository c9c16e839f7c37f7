import { SqliteQueue } from '../../src/queue/sqlite/engine.ts'
import {
  failed,
  hour,
  newGroup,
  newTask,
  retried,
  storedFile,
  succeeded,
} from '../queue/conformance/subject.ts'

/** Opens a queue of any size. */
export async function opened(file: string): Promise<SqliteQueue> {
  const queue = new SqliteQueue(file, { maxTasks: 1e6, maxBytes: 1e9 }, { tasks: 1e5 })
  await queue.open()
  return queue
}

/** A queue with tasks in every state, groups, delays, aliases, files, large arguments, a paused pool and running tasks. */
export async function buildQueue(file: string, size = 2_000): Promise<void> {
  const queue = await opened(file)
  const plain = Array.from({ length: size }, (_, index) =>
    newTask({ args: JSON.stringify(['x'.repeat(80)]), options: { priority: index % 3 } }),
  )
  await queue.add(plain, { held: false })
  const endings = [succeeded('"r"'), failed(), retried(Date.now() + hour)]
  const ran = await start(queue, Math.floor(size * 0.3))
  await Promise.all(
    ran.map(({ id, attempt }, index) => queue.record(id, attempt, endings[index % endings.length]!)),
  )
  for (let count = 0; count < size / 20; count++) {
    const after = { options: { onlyAfterSuccess: true } }
    await queue.add(newGroup({ files: [storedFile()] }, { options: { delay: hour } }, after), { held: false })
    await queue.add([newTask({ options: { unique: `key ${count % (size / 40)}` } })], { held: false })
  }
  const large = JSON.stringify(['y'.repeat(15_000)])
  await queue.add([newTask({ args: large }), newTask({ args: large })], { held: false })
  await queue.add(newGroup({}, {}), { held: true })
  await queue.cancel(plain.at(-1)!.id, Date.now())
  await queue.pause('mail')
  await start(queue, 5)
  await queue.close()
}

async function start(queue: SqliteQueue, slots: number) {
  const tasks = await queue.claim('cpu', slots)
  const ids = tasks.map(({ id }) => id)
  await queue.start(ids, Date.now())
  return tasks
}

/** What can be claimed of a queue, in this order: first what ran when it was left. */
export async function claimAll(file: string) {
  const queue = await opened(file)
  const counters = await queue.counters()
  const [suspects, claimed]: [string[], string[]] = [[], []]
  for (let next = await queue.claimSuspect(['cpu']); next; next = await queue.claimSuspect(['cpu']))
    suspects.push(next.id)
  for (let next = await queue.claim('cpu', 500); next.length > 0; next = await queue.claim('cpu', 500))
    claimed.push(...next.map(({ id }) => id))
  await queue.close()
  return { counters, suspects, claimed }
}
