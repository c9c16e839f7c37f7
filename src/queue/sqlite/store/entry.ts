import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from '../../../core/failure.ts'
import type { Answer, Opened, StoreData } from '../message.ts'
import { hushSqlite } from '../hush.ts'

// The thread that alone writes to the file of a queue.
hushSqlite()
const { open } = await import('./open.ts')
const data = workerData as StoreData
const opened = open(data)
say(opened.first)

if (opened.store !== undefined) {
  const { store, close } = opened
  parentPort!.on('message', (message: unknown[] | 'close') => {
    if (message !== 'close') return say(answer(message))
    close()
    parentPort!.close()
  })

  function answer(message: unknown[]): Answer {
    try {
      const results = store.apply(message)
      return { type: 'committed', results, news: store.ledger.news, totals: store.ledger.totals.values }
    } catch (error) {
      return { type: 'failed', failure: toFailure(error) }
    }
  }
}

function say(message: Opened | Answer): void {
  parentPort!.postMessage(message)
}
