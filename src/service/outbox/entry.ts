/** The thread that reads the messages of the outbox; it is asked one thing at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import { Outbox } from './outbox.ts'
import type { Question, Reply } from './question.ts'

const { folder } = workerData as { folder: string }
const outbox = new Outbox(folder)

parentPort!.on('message', (question: Question) => {
  void reply(question)
})

async function reply(question: Question): Promise<void> {
  try {
    const answer = await outbox.answer(question)
    tell({ answer }, answer.found && answer.body.length > 0 ? [answer.body.buffer] : [])
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    tell({ error: { message, code } })
  }
}

function tell(reply: Reply, moved: ArrayBuffer[] = []): void {
  parentPort!.postMessage(reply, moved)
}
