import { setTimeout } from 'node:timers/promises'
import { currentTask } from 'afterwork/worker'

export async function work(seconds: number) {
  const { log, progress } = currentTask()
  for (let second = 1; second <= seconds; second++) {
    await setTimeout(1_000)
    progress(second / seconds)
  }
  log.info('done')
}
