import { TaskError } from 'afterwork/worker'
import { isNoSuchMailbox, type Reply } from './judge.ts'
import type { SuppressionList } from './suppression-list.ts'
import type { Deliver } from './transport.ts'

/** Refuses mail to suppressed addresses, and suppresses those that the server says do not exist. */
export function suppressing(list: SuppressionList, deliver: Deliver): Deliver {
  return async (message, sending) => {
    const { address } = message.to
    const known = await list.reason(address)
    if (known !== undefined) {
      throw new TaskError(`Expected an address that exists, got one that was refused: ${known}`, {
        retry: false,
        code: 'RECIPIENT_SUPPRESSED',
      })
    }
    try {
      return await deliver(message, sending)
    } catch (error) {
      const reply = error as Reply
      if (isNoSuchMailbox(reply))
        await list.add({ address, at: new Date().toISOString(), reason: reply.response ?? '' })
      throw error
    }
  }
}
