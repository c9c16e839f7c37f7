import { createAfterwork } from 'afterwork'
import { secondsOf } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { fill, openEngine, unbounded } from '../queue/engine.ts'
import { threads } from '../trivial/runtime.ts'
import { tasks } from '../trivial/tasks.ts'
import type { Held, Opened, Restarted } from './protocol.ts'

/** What is added before the process is killed, so that the log of the queue holds something to recover. */
const fresh = 500

/** A process that holds a queue until it is killed, or takes over that of another. */
export async function start({ url }: { url: string }): Promise<StartedSystem> {
  async function hold(): Promise<Held> {
    const engine = await openEngine(url)
    const { queued: found } = await engine.counters()
    await fill(engine, fresh)
    return { found, waiting: (await engine.counters()).queued }
  }
  async function open(): Promise<Opened> {
    return { ms: (await secondsOf(() => openEngine(url))) * 1_000 }
  }
  async function restart(): Promise<Restarted> {
    const from = performance.now()
    const afterwork = createAfterwork({
      tasks,
      queue: url,
      logger: false,
      pools: { cpu: threads(8) },
      ...unbounded,
    })
    const started = new Promise<number>((resolve, reject) => {
      afterwork.once('task.started', () => resolve(performance.now()))
      afterwork.on('afterwork.error', ({ error }) => reject(error))
    })
    const [to] = await Promise.all([started, afterwork.start()])
    const counters = await afterwork.records.counters()
    const known = Object.values(counters).reduce((sum, count) => sum + count, 0)
    return { ms: to - from, known }
  }
  return { answers: { hold, open, restart } }
}
