import { Problem } from 'afterwork'
import { Pool } from 'pg'

export interface Order {
  customer: string
  sku: string
  quantity: number
}

/** The connections of this process to the shop's database. */
export const connections = new Pool({ connectionString: process.env['DATABASE_URL'] })
// An idle connection that breaks is replaced by the next request; unheard, it would be an uncaught exception.
connections.on('error', () => {})

/** What the client is told when there is not enough left. */
export function soldOut(sku: string): Problem {
  return new Problem(409, 'SOLD_OUT', `There is not enough ${sku} left`)
}
