import type { StartedSystem } from '../harness/system-module.ts'
import { newTask, openEngine } from '../queue/engine.ts'
import { adding } from './adding.ts'
import type { Found } from './protocol.ts'

/** Our engine, without the runtime around it. */
export async function start({ url }: { url: string }): Promise<StartedSystem> {
  const engine = await openEngine(url)
  return {
    answers: {
      add: adding(() => engine.add([newTask()], { held: false })),
      find: async (): Promise<Found> => ({ found: (await engine.counters()).queued }),
    },
    stop: () => engine.close(),
  }
}
