import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { addConcurrently, secondsOf, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { newLetter } from '../trivial/letter.ts'
import { threads } from '../trivial/runtime.ts'
import type { Worked, WorkOptions, WorkParameters } from './protocol.ts'

/** Raw Piscina, which forgets all at a crash: the same threads, and as many calls under way as there are adders. */
export async function start({ concurrency }: WorkOptions): Promise<StartedSystem> {
  const { minThreads, maxThreads } = threads(concurrency)
  const piscina = new Piscina({
    filename: fileURLToPath(import.meta.resolve('../trivial/count.ts')),
    name: 'increment',
    minThreads,
    maxThreads,
    concurrentTasksPerWorker: concurrency,
    // As our own threads are.
    atomics: 'disabled',
    niceIncrement: 10,
    recordTiming: false,
  })

  async function work({ tasks, adders }: WorkParameters): Promise<Worked> {
    const seconds = await secondsOf(() =>
      addConcurrently(adders, times(tasks), () => piscina.run(newLetter())),
    )
    return { seconds }
  }
  return { answers: { work } }
}
