import type { AddedTask, Afterwork } from 'afterwork'
import { connections, soldOut, type Order } from './shop.ts'
import { tasks } from './tasks.ts'

/** Stores an order and the task that mails its receipt, with node-postgres. */
export async function withPg(afterwork: Afterwork, { customer, sku, quantity }: Order): Promise<AddedTask> {
  const client = await connections.connect()
  // A connection that breaks fails its query, too; unheard, it would be an uncaught exception as well.
  const broken = () => {}
  client.on('error', broken)
  let done = false
  try {
    await client.query('BEGIN')
    const order = await client.query<{ id: number }>(
      'INSERT INTO orders (customer, sku, quantity) VALUES ($1, $2, $3) RETURNING id',
      [customer, sku, quantity],
    )
    const receipt = tasks.mail.sendReceipt.with({ client })
    const added = await afterwork.addTask(receipt, order.rows[0]!.id, customer)
    const stock = await client.query(
      'UPDATE stock SET left_over = left_over - $2 WHERE sku = $1 AND left_over >= $2',
      [sku, quantity],
    )
    // With the order goes the task: nobody gets a receipt for what is sold out.
    if (stock.rowCount === 0) throw soldOut(sku)
    await client.query('COMMIT')
    done = true
    return added
  } finally {
    // Closed, a connection rolls back whatever was done on it, in whatever state it is.
    client.off('error', broken)
    client.release(!done)
  }
}
