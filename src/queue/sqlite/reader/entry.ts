import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from '../../../core/failure.ts'
import { hushSqlite } from '../hush.ts'
import type { Question, Reading } from '../message.ts'

// A thread of its own for listings and searches, which may take their time.
hushSqlite()
const { Reader } = await import('./reader.ts')
const reader = new Reader((workerData as { file: string }).file)

parentPort!.on('message', (question: Question | 'close') => {
  if (question === 'close') {
    reader.close()
    parentPort!.close()
  } else parentPort!.postMessage(answer(question))
})

function answer(question: Question): Reading {
  try {
    return { number: question.number, found: reader.answer(question) }
  } catch (error) {
    return { number: question.number, failure: toFailure(error) }
  }
}
