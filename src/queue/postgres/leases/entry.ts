import { parentPort, workerData } from 'node:worker_threads'
import { Renewal } from './renewal.ts'
import type { FromLeases, LeaseData, ToLeases } from '../leases.ts'

/** The thread that gives signs of life. */
const renewal = new Renewal(workerData as LeaseData, (news: FromLeases) => parentPort!.postMessage(news))

parentPort!.on('message', (said: ToLeases) => {
  // A connection that is being made would keep it.
  if (said === 'close') void renewal.stop().finally(() => process.exit())
  else renewal.change(said)
})
renewal.start()
