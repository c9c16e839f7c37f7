import { currentTask } from 'afterwork/worker'
import { outbox } from './outbox.ts'

export interface Message {
  to: string
  subject: string
}

export async function sendEmail({ to, subject }: Message): Promise<void> {
  const { id } = currentTask()
  await outbox.deliver({ id, to, subject })
}
