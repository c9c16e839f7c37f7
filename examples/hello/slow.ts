import { setTimeout } from 'node:timers/promises'
import { currentTask } from 'afterwork/worker'

const steps = 10

/** Waits that long in ten steps, as a stand-in for real work. */
export async function work(seconds: number): Promise<void> {
  const { log, progress } = currentTask()
  for (let step = 1; step <= steps; step++) {
    await setTimeout((seconds * 1_000) / steps)
    progress(step / steps)
  }
  log.info('done')
}
