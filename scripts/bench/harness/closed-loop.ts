import { Connection } from './connection.ts'
import { requestMaker, type RequestOptions } from './request.ts'
import { percentile } from './statistics.ts'

/** As many requests as the server answers, one at a time on each connection. */
export interface ClosedOptions extends RequestOptions {
  seconds: number
  connections: number
}

/**
 * What a closed loop saw. Latencies are in milliseconds and flatter a server that stalls, for nothing is sent
 * meanwhile: claim rates from them, and latencies from an open loop.
 */
export interface ClosedResult {
  /** Answers, the failed ones included. */
  answered: number
  /** Answers with a status of 400 or more. */
  failed: number
  unanswered: number
  /** Answers a second. */
  rate: number
  p50: number
  p99: number
}

/** How long the last answers may take after the end, in milliseconds. */
const patience = 5_000

/** Sends until `seconds` have passed or the signal is aborted, then waits for the last answers. */
export async function closedLoop(options: ClosedOptions, signal: AbortSignal): Promise<ClosedResult> {
  const next = await requestMaker(options)
  const url = new URL(options.url)
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => Connection.open(url)),
  )
  const latencies: number[] = []
  let failed = 0
  let unanswered = 0

  const start = performance.now()
  const end = start + options.seconds * 1_000

  async function keepSending(connection: Connection): Promise<void> {
    let at = start
    while (at < end && !signal.aborted) {
      const status = await connection.request(next())
      const answeredAt = performance.now()
      latencies.push(answeredAt - at)
      at = answeredAt
      if (status >= 400) failed++
    }
  }

  const late = setTimeout(close, options.seconds * 1_000 + patience)
  function close(): void {
    for (const connection of connections) connection.close()
  }

  await Promise.all(connections.map((connection) => keepSending(connection).catch(() => void unanswered++)))
  clearTimeout(late)
  close()
  const seconds = (performance.now() - start) / 1_000
  const sorted = Float64Array.from(latencies).sort()
  return {
    answered: sorted.length,
    failed,
    unanswered,
    rate: sorted.length / seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  }
}
