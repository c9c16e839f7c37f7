import { parentPort, workerData } from 'node:worker_threads'
import { death } from './death.ts'

// The store thread as it is, but that it dies when a test says so.
const { dies } = workerData as { dies: Int32Array }
const post = parentPort!.postMessage.bind(parentPort)
if (Atomics.load(dies, 0) === death.atStart) process.exit(1)

parentPort!.on('message', () => dieIf(death.beforeCommit))
parentPort!.postMessage = (message: unknown) => {
  if ((message as { type: string }).type === 'committed') dieIf(death.afterCommit)
  post(message)
}
await import('../../../src/queue/sqlite/store/entry.ts')

/** Once: the next store lives. */
function dieIf(when: number): void {
  if (Atomics.compareExchange(dies, 0, when, death.none) === when) process.exit(1)
}
