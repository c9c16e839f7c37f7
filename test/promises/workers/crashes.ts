import { pass } from '../../support/workers/steps.ts'

export { echo } from '../../support/workers/steps.ts'
export { passAgain } from './lives.ts'

/** Takes the process with it, once the gate at `url` opens. */
export async function crash(signal: NodeJS.Signals, url: string): Promise<void> {
  await pass(url)
  process.kill(process.pid, signal)
  await new Promise(() => {})
}
