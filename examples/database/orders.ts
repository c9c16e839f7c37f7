import { currentTask } from 'afterwork/worker'
import { transaction } from './postgres.ts'

// The pool of threads calls it before it ends a thread.
export { teardown } from './postgres.ts'

export interface Order {
  customer: string
  lines: { sku: string; quantity: number }[]
}

/** Writes an order with its lines, all or nothing, and once however often its task runs. */
export async function store({ customer, lines }: Order): Promise<{ stored: 'now' | 'before' }> {
  const { id } = currentTask()
  return transaction(async (client) => {
    // A task whose process died between this COMMIT and its own end runs again, under the same id.
    const order = await client.query(
      'INSERT INTO orders (task_id, customer) VALUES ($1, $2) ON CONFLICT (task_id) DO NOTHING',
      [id, customer],
    )
    if (order.rowCount === 0) return { stored: 'before' }
    await client.query(
      'INSERT INTO order_lines (task_id, sku, quantity) SELECT $1, * FROM unnest($2::text[], $3::integer[])',
      [id, lines.map(({ sku }) => sku), lines.map(({ quantity }) => quantity)],
    )
    return { stored: 'now' }
  })
}
