import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteQueue, type SqliteParts } from '../../src/queue/sqlite/engine.ts'
import type { Engine, QueueBounds, Retention } from '../../src/queue/queue.ts'
import { conformance, type Open } from './conformance.ts'

/** Engines that are open at a time: each has threads and files of its own, and some tests look at the clock. */
const most = 4
let room = most
const waiting: (() => void)[] = []

/** Waits for room among the tests that ava runs side by side; gives what makes room again. */
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
class Roomy extends SqliteQueue {
  leave: () => void = () => {}

  override async close(): Promise<void> {
    await super.close()
    this.leave()
  }
}

/** Opens an engine on a file of its own; `reopen` opens another on a copy of its files, as a crash would leave them. */
function opener(parts: SqliteParts = {}): Open {
  return async (t, bounds: QueueBounds, retention: Retention) => {
    const leave = await enter()
    const folder = await mkdtemp(join(tmpdir(), 'afterwork-sqlite-'))
    let crashes = 0
    const path = (): string => join(folder, `queue-${crashes}.db`)
    const open = async (): Promise<Roomy> => {
      const engine = new Roomy(path(), bounds, retention, parts)
      await engine.open()
      return engine
    }
    let last = await open()
    const reopen = async (): Promise<Engine> => {
      await last.counters()
      const from = path()
      crashes++
      for (const ending of ['', '-wal']) await copyFile(from + ending, path() + ending)
      await last.close()
      last = await open()
      last.leave = leave
      return last
    }
    t.teardown(async () => {
      await last.close()
      leave()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    })
    const engine = last
    engine.leave = () => last === engine && crashes === 0 && leave()
    return { engine, reopen }
  }
}

conformance('sqlite', opener(), 80)
conformance('sqlite with little in memory', opener({ window: { tasks: 2, bytes: 1_000 } }), 80)
