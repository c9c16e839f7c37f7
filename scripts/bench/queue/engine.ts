import { newId } from '../../../src/core/id.ts'
import type { NewTask } from '../../../src/core/task.ts'
import { encodeArguments } from '../../../src/core/value.ts'
import { openQueue } from '../../../src/queue/open.ts'
import type { Engine } from '../../../src/queue/queue.ts'
import { newLetter } from '../trivial/letter.ts'
import { tasks } from '../trivial/tasks.ts'

/** What no benchmark reaches: they measure speed, not refusals. */
export const unbounded = { maxQueued: 100_000_000, maxQueuedBytes: 1024 ** 4 }

const { name, options } = tasks.count.increment

/** The engine of the queue, open. */
export async function openEngine(url: string): Promise<Engine> {
  const { maxQueued: maxTasks, maxQueuedBytes: maxBytes } = unbounded
  const engine = openQueue(url, { maxTasks, maxBytes }, { tasks: 100_000 })
  await engine.open()
  return engine
}

/** A trivial task, as the intake makes it: its argument a letter, its group its own. */
export function newTask(): NewTask {
  const id = newId()
  return { id, name, options, args: encodeArguments([newLetter()], name), files: [], group: id }
}

/** Adds so many trivial tasks, a thousand at a time. */
export async function fill(engine: Engine, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1_000) {
    const batch = Array.from({ length: Math.min(left, 1_000) }, newTask)
    await engine.add(batch, { held: false })
  }
}

/** How many tasks wait; throws when that is not what is expected. */
export async function expectWaiting(engine: Engine, expected: number): Promise<void> {
  const { queued } = await engine.counters()
  if (queued !== expected) throw new Error(`Expected ${expected} tasks to wait, got ${queued}`)
}
