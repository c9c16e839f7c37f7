import { hushSqlite } from '../hush.ts'
import type { Recovery } from './report.ts'

export type { Recovery } from './report.ts'

/** See recover(); loads SQLite only now, so that Node.js 22 does not warn of it. */
export async function recoverQueue(file: string): Promise<Recovery> {
  hushSqlite()
  const { recover } = await import('./recover.ts')
  return recover(file, Date.now())
}
