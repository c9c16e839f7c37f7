import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from 'pg'
import { lastWords } from '../database.ts'
import type { FromLeases, Lease, LeaseData } from '../leases.ts'
import { importPg } from '../peers.ts'
import { named } from '../sql.ts'

/** How often signs of life are given, and how soon again where that failed, in milliseconds. */
const interval = 2_000
const again = 500

const texts = {
  seen: 'UPDATE $s.processes SET seen_on = clock_timestamp() WHERE id = $1',
  back: `INSERT INTO $s.processes (id, host, pid, names, pools) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING`,
  renew: `UPDATE $b.job j SET heartbeat_on = clock_timestamp() FROM json_to_recordset($1) AS x (id uuid, queue text, fence integer)
    WHERE j.name = x.queue AND j.id = x.id AND j.state = 'active' AND j.retry_count = x.fence RETURNING j.id`,
}

/** Renews the leases over a connection of its own, which it makes again whenever it is lost. */
export class Renewal {
  readonly #data: LeaseData
  readonly #tell: (news: FromLeases) => void
  /** With when they were told of, on the clock of performance.now(): most tasks end before their first sign of life. */
  readonly #leases = new Map<string, { lease: Lease; since: number }>()
  #client: Client | undefined
  #timer: NodeJS.Timeout | undefined
  #failing = false
  #stopped = false

  constructor(data: LeaseData, tell: (news: FromLeases) => void) {
    this.#data = data
    this.#tell = tell
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#round(), interval)
  }

  /** Leases by their ids, null where there is none any more. */
  change(leases: ReadonlyMap<string, Lease | null>): void {
    const since = performance.now()
    for (const [id, lease] of leases)
      if (lease === null) this.#leases.delete(id)
      else this.#leases.set(id, { lease, since })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    // A server that says nothing any more would keep it for ever.
    await Promise.race([this.#client?.end().catch(() => {}), wait(lastWords)])
  }

  async #round(): Promise<void> {
    let next = interval
    try {
      await this.#renew()
      this.#failing = false
    } catch (error) {
      next = again
      this.#disconnect()
      if (!this.#failing && !this.#stopped) this.#tell({ failed: (error as Error).message })
      this.#failing = true
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#round(), next)
  }

  async #renew(): Promise<void> {
    const client = (this.#client ??= await this.#connect())
    const { process, member, names } = this.#data
    const due = this.#due()
    if (due.length > 0) {
      const { rows } = await client.query<{ id: string }>(named(texts.renew, names), [JSON.stringify(due)])
      const renewed = new Set(rows.map(({ id }) => id))
      // Not what has been claimed anew meanwhile.
      const lost = due.filter(
        ({ id, fence }) => !renewed.has(id) && this.#leases.get(id)?.lease.fence === fence,
      )
      for (const { id } of lost) this.#leases.delete(id)
      if (lost.length > 0) this.#tell({ lost: lost.map(({ id }) => id) })
    }
    const { rowCount } = await client.query(named(texts.seen, names), [process])
    if (rowCount === 0) {
      const { host, pid, names: known, pools } = member
      await client.query(named(texts.back, names), [process, host, pid, known, pools])
      this.#tell({ buried: process })
    }
  }

  #due(): Lease[] {
    const old = performance.now() - interval / 2
    return Array.from(this.#leases.values())
      .filter(({ since }) => since <= old)
      .map(({ lease }) => lease)
  }

  async #connect(): Promise<Client> {
    const { default: pg } = await importPg()
    const client = new pg.Client({
      connectionString: this.#data.url,
      application_name: 'afterwork leases',
      connectionTimeoutMillis: 2_000,
      query_timeout: 4_000,
      keepAlive: true,
    })
    client.on('error', () => this.#disconnect())
    await client.connect()
    return client
  }

  #disconnect(): void {
    const client = this.#client
    this.#client = undefined
    client?.removeAllListeners('error')
    client?.on('error', () => {})
    client?.end().catch(() => {})
  }
}
