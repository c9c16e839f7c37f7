import { setTimeout as wait } from 'node:timers/promises'
import { Connection } from './connection.ts'
import { requestMaker, type RequestOptions } from './request.ts'
import { percentile } from './statistics.ts'

/** Requests on schedule, whether or not the earlier ones were answered. */
export interface OpenOptions extends RequestOptions {
  /** Requests a second. */
  rate: number
  seconds: number
  /** The most connections at a time; opened as they are needed. */
  connections: number
}

/**
 * What an open loop saw. Latencies are in milliseconds and counted from the time the request was due, so that a stall
 * of server or generator is charged to every request that should have been sent meanwhile; one without an answer
 * counts with its age at the end.
 */
export interface OpenResult {
  /** Requests that were due, the unanswered ones included. */
  requests: number
  unanswered: number
  /** Answers with a status of 400 or more. */
  failed: number
  p50: number
  p99: number
  max: number
  /** p99 of how late the generator itself was. */
  lag: number
}

/** What the requests of the last moment get after the end, in milliseconds; older ones are unanswered then. */
const patience = 100

/** Sends on schedule until `seconds` have passed or the signal is aborted. */
export async function openLoop(options: OpenOptions, signal: AbortSignal): Promise<OpenResult> {
  const next = await requestMaker(options)
  const pool = new ConnectionPool(new URL(options.url), options.connections)
  const due = new Set<number>()
  const latencies: number[] = []
  const lags: number[] = []
  let failed = 0

  async function send(at: number): Promise<void> {
    const connection = await pool.take()
    const status = await connection.request(next())
    pool.give(connection)
    if (!due.delete(at)) return
    latencies.push(performance.now() - at)
    if (status >= 400) failed++
  }

  const start = performance.now()
  const end = start + options.seconds * 1_000
  for (let at = start, count = 0; at < end; at = start + (++count * 1_000) / options.rate) {
    await until(at, signal)
    if (signal.aborted) break
    lags.push(performance.now() - at)
    due.add(at)
    send(at).catch(() => {})
  }
  await until(end, signal)
  const ended = performance.now()
  const unanswered = [...due].filter((at) => at < ended - patience)
  for (const at of unanswered) due.delete(at)
  await wait(patience)
  pool.close()
  unanswered.push(...due)
  due.clear()
  const closedAt = performance.now()
  const sorted = Float64Array.from([...latencies, ...unanswered.map((at) => closedAt - at)]).sort()
  return {
    requests: sorted.length,
    unanswered: unanswered.length,
    failed,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    lag: percentile(Float64Array.from(lags).sort(), 0.99),
  }
}

/** Timers may fire a fraction of a millisecond early. */
async function until(at: number, signal: AbortSignal): Promise<void> {
  for (let left = at - performance.now(); left > 0 && !signal.aborted; left = at - performance.now())
    await wait(left, undefined, { signal }).catch(() => {})
}

/** Connections of which the one that was idle longest is taken first, before the server closes it. */
class ConnectionPool {
  readonly #url: URL
  readonly #most: number
  readonly #all = new Set<Connection>()
  readonly #free: Connection[] = []
  readonly #waiting: ((connection: Connection) => void)[] = []
  #opening = 0

  constructor(url: URL, most: number) {
    this.#url = url
    this.#most = most
  }

  async take(): Promise<Connection> {
    for (let free = this.#free.shift(); free !== undefined; free = this.#free.shift()) {
      if (free.usable) return free
      this.#all.delete(free)
    }
    if (this.#all.size + this.#opening >= this.#most)
      return new Promise((resolve) => this.#waiting.push(resolve))
    this.#opening++
    try {
      const connection = await Connection.open(this.#url)
      this.#all.add(connection)
      return connection
    } finally {
      this.#opening--
    }
  }

  give(connection: Connection): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#free.push(connection)
    else waiting(connection)
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }
}
