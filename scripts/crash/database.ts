import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { Endings } from '../../test/support/endings.ts'
import { startPostgres } from '../../test/support/postgres.ts'
import type { Outage } from './outage.ts'

/** The database in which several processes have their queue. */
export interface QueueDatabase {
  url: string
  outages: readonly Outage[]
  /** Kills its server at once, and starts it again after so many milliseconds; rejects where it is another's. */
  kill(away: number, signal: AbortSignal): Promise<void>
  end(): Promise<void>
}

/** On a PostgreSQL of the run's own, or else on the server that a URL names, whose user may create databases. */
export function openDatabase(server: string | undefined): Promise<QueueDatabase> {
  return server === undefined ? ownServer() : onServer(server)
}

async function ownServer(): Promise<QueueDatabase> {
  const endings = new Endings()
  const end = () => endings.run()
  try {
    const server = await startPostgres(endings)
    const outages: Outage[] = []
    const kill = async (away: number, signal: AbortSignal): Promise<void> => {
      const outage = { from: Date.now(), until: Infinity }
      outages.push(outage)
      await server.kill()
      await wait(away, undefined, { signal })
      await server.start()
      outage.until = Date.now()
    }
    return { url: server.url('postgres'), outages, kill, end }
  } catch (error) {
    await end()
    throw error
  }
}

async function onServer(url: string): Promise<QueueDatabase> {
  const name = `afterwork_crash_${randomBytes(4).toString('hex')}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    outages: [],
    kill: () => Promise.reject(new Error('The server is not to be killed')),
    end: async () => {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
      await admin.end()
    },
  }
}
