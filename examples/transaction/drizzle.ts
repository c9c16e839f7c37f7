import { and, eq, gte, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { fromDrizzle } from 'pg-boss'
import type { AddedTask, Afterwork } from 'afterwork'
import { connections, soldOut, type Order } from './shop.ts'
import { tasks } from './tasks.ts'

const orders = pgTable('orders', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  customer: text().notNull(),
  sku: text().notNull(),
  quantity: integer().notNull(),
})

const stock = pgTable('stock', { sku: text().primaryKey(), leftOver: integer('left_over').notNull() })

const db = drizzle({ client: connections })

/** The same with drizzle: an adapter of pg-boss makes a client of its transaction. */
export function withDrizzle(afterwork: Afterwork, order: Order): Promise<AddedTask> {
  const { sku, quantity, customer } = order
  return db.transaction(async (tx) => {
    const [stored] = await tx.insert(orders).values(order).returning({ id: orders.id })
    const client = fromDrizzle(tx, sql)
    const added = await afterwork.addTask(tasks.mail.sendReceipt.with({ client }), stored!.id, customer)
    const taken = await tx
      .update(stock)
      .set({ leftOver: sql`${stock.leftOver} - ${quantity}` })
      .where(and(eq(stock.sku, sku), gte(stock.leftOver, quantity)))
    if (taken.rowCount === 0) throw soldOut(sku)
    return added
  })
}
