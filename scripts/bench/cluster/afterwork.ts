import { createAfterwork, type Afterwork } from 'afterwork'
import { addConcurrently, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { unbounded } from '../queue/engine.ts'
import { newLetter } from '../trivial/letter.ts'
import type { RoleOptions } from './protocol.ts'
import { adderSystem, EndCounter, workerSystem, type Adder, type Worker } from './roles.ts'
import { tasks } from './tasks.ts'

/** All threads from the beginning, so that none starts while it is measured. */
const cpu = { minThreads: 2, maxThreads: 2, concurrency: 8 }

/** How many addTask() are under way at a time when a backlog is made. */
const fillers = 256

/** The whole runtime: one that adds has no pools, one that works has two threads. */
export async function start({ url, role }: RoleOptions): Promise<StartedSystem> {
  const afterwork = createAfterwork({
    tasks,
    queue: url,
    work: role === 'work',
    logger: false,
    pools: { cpu },
    ...unbounded,
  })
  await afterwork.start()
  return role === 'add' ? adderSystem(adderOf(afterwork)) : workerSystem(workerOf(afterwork))
}

function adderOf(afterwork: Afterwork): Adder {
  const add = async (): Promise<string> => (await afterwork.addTask(tasks.letters.drop, newLetter())).id
  return {
    add,
    addNoted: async () => (await afterwork.addTask(tasks.letters.note, newLetter())).id,
    fill: async (count) => void (await addConcurrently(fillers, times(count), add)),
    waiting: async () => (await afterwork.records.counters()).queued,
    close: () => afterwork.stop(),
  }
}

function workerOf(afterwork: Afterwork): Worker {
  const counter = new EndCounter()
  let failed: string | undefined
  // Its outcome is then in the database.
  afterwork.on('task.succeeded', () => counter.ended())
  afterwork.on('task.failed', ({ failure }) => (failed ??= failure.message))
  afterwork.on('afterwork.error', ({ error, during }) => (failed ??= `${during}: ${error.message}`))
  return {
    // Both for all processes.
    open: async () => void (await afterwork.resumePool('cpu')),
    pause: async () => void (await afterwork.pausePool('cpu')),
    ends() {
      if (failed !== undefined) throw new Error(failed)
      return counter.ends()
    },
    async begun(id) {
      const result = (await afterwork.records.get(id))?.result
      return result === undefined || result === null ? undefined : Number(result)
    },
    close: () => afterwork.stop(),
  }
}
