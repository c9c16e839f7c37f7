import { hushSqlite } from '../hush.ts'
import type { Changing } from './changing.ts'
import type { Holder } from './holder.ts'
import type { Moving } from './moving.ts'
import type { Reading } from './reading.ts'

export type { Changing, Result } from './changing.ts'
export type { Holder } from './holder.ts'
export type { Moving } from './moving.ts'
export type { Reading } from './reading.ts'

// Each loads SQLite only now, so that Node.js 22 does not warn of it.

/** See Reading. */
export async function readQueue(file: string): Promise<Reading> {
  hushSqlite()
  const { Reading } = await import('./reading.ts')
  return new Reading(file)
}

/** See Changing. */
export async function changeQueue(file: string): Promise<Changing> {
  hushSqlite()
  const { Changing } = await import('./changing.ts')
  return new Changing(file)
}

/** See Moving. */
export async function movingQueue(file: string): Promise<Moving> {
  hushSqlite()
  const { Moving } = await import('./moving.ts')
  return new Moving(file)
}

/** See holderOf(). */
export async function queueHolder(file: string): Promise<Holder | undefined> {
  hushSqlite()
  const { holderOf } = await import('./holder.ts')
  return holderOf(file)
}
