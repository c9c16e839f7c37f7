import type { ListeningSystem } from '../harness/system-module.ts'
import { newLetter } from '../trivial/letter.ts'
import { Runtime } from '../trivial/runtime.ts'
import { tasks } from '../trivial/tasks.ts'
import { startApp } from './app.ts'

/** What the module needs to know. */
export interface AcceptOptions {
  /** Of the queue. */
  url: string
  batch: boolean
}

/** The same app with a task in its route. */
export async function start({ url, batch }: AcceptOptions): Promise<ListeningSystem> {
  const runtime = await Runtime.start(url, { concurrency: 8 })
  const task = tasks.count.increment.with({ batch })
  let accepted = 0
  return startApp({
    middleware: runtime.afterwork.middleware(),
    accept: ({ background }) => {
      accepted++
      return background.addTask(task, newLetter()).id
    },
    tasks: () => ({ accepted, open: accepted - runtime.succeeded }),
    settle: () => runtime.untilSucceeded(accepted),
  })
}
