import test from 'ava'
import pg from 'pg'
import { PostgresQueue } from '../../src/queue/postgres/engine.ts'
import type { Engine } from '../../src/queue/queue.ts'
import { Endings } from '../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../support/queue-database.ts'
import { conformance, type Open } from './conformance.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** Engines that are open at a time: each has several connections and a thread. */
const most = 4
let room = most
const waiting: (() => void)[] = []

/** Waits for room among the tests that ava runs side by side. */
async function enter(): Promise<() => void> {
  if (room === 0) await new Promise<void>((resolve) => waiting.push(resolve))
  else room--
  let inside = true
  return () => {
    if (!inside) return
    inside = false
    const next = waiting.shift()
    if (next === undefined) room++
    else next()
  }
}

/** An engine that makes room when it is closed. */
class Roomy extends PostgresQueue {
  leave: () => void = () => {}

  override async close(): Promise<void> {
    await super.close()
    this.leave()
  }
}

/** Opens an engine on a database of its own; `reopen` opens another on it, once the first was taken for dead. */
const open: Open = async (t, bounds, retention) => {
  const leave = await enter()
  const url = await databases.create(t)
  const opened = async (): Promise<Roomy> => {
    const engine = new Roomy(url, bounds, retention, { silent: true })
    await engine.open()
    return engine
  }
  let last = await opened()
  const reopen = async (): Promise<Engine> => {
    await last.counters()
    await last.close()
    await forgetSigns(url)
    last = await opened()
    last.leave = leave
    return last
  }
  t.teardown(async () => {
    await last.close()
    leave()
  })
  const engine = last
  engine.leave = () => last === engine && leave()
  return { engine, reopen }
}

/** As though the processes had given their last sign of life long ago. */
async function forgetSigns(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`UPDATE afterwork.processes SET seen_on = '-infinity';
    UPDATE afterwork_boss.job SET heartbeat_on = '-infinity' WHERE state = 'active';
    UPDATE afterwork_boss.queue SET monitor_on = NULL, monitor_claim_on = NULL`)
  await client.end()
}

conformance('postgres', open, 40)
