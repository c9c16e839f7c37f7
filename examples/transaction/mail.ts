import { currentTask } from 'afterwork/worker'

/** Where a real shop would send a mail: the order is there when this runs, for both were committed together. */
export async function sendReceipt(order: number, customer: string): Promise<void> {
  currentTask().log.info(`receipt of order ${order} goes to ${customer}`)
}
