import { addConcurrently, secondsOf, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { newLetter } from '../trivial/letter.ts'
import { Runtime } from '../trivial/runtime.ts'
import { tasks } from '../trivial/tasks.ts'
import type { Worked, WorkOptions, WorkParameters } from './protocol.ts'

/** The whole runtime, tasks added outside requests. */
export async function start({ url, concurrency }: WorkOptions): Promise<StartedSystem> {
  const runtime = await Runtime.start(url, { concurrency })
  let added = 0

  async function work({ tasks: count, adders }: WorkParameters): Promise<Worked> {
    added += count
    const seconds = await secondsOf(async () => {
      await addConcurrently(adders, times(count), () =>
        runtime.afterwork.addTask(tasks.count.increment, newLetter()),
      )
      await runtime.untilSucceeded(added)
    })
    return { seconds }
  }
  return { answers: { work } }
}
