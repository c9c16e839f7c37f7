import type { StartedSystem } from '../harness/system-module.ts'
import { startPostgres } from '../work/postgres.ts'
import { startRedis } from '../work/redis.ts'

/** Which server, and where it keeps its files. */
export interface ServerOptions {
  server: 'postgres' | 'redis'
  folder: string
}

/** A database that is new. */
export interface NewDatabase {
  url: string
}

/**
 * The server that the processes of a system share.
 * @throws Absent
 */
export async function start({ server, folder }: ServerOptions): Promise<StartedSystem> {
  return server === 'postgres' ? postgres(folder) : redis(folder)
}

async function postgres(folder: string): Promise<StartedSystem> {
  const { database, stop } = await startPostgres(folder)
  return { answers: { database: async (): Promise<NewDatabase> => ({ url: await database() }) }, stop }
}

async function redis(folder: string): Promise<StartedSystem> {
  const { port, stop } = await startRedis(folder)
  let databases = 0
  const database = (): NewDatabase => ({ url: `redis://127.0.0.1:${port}/${databases++}` })
  return { answers: { database }, stop }
}
