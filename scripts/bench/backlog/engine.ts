import type { Engine } from '../../../src/queue/queue.ts'
import { addConcurrently, secondsOf, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { expectWaiting, fill, newTask, openEngine } from '../queue/engine.ts'
import { isKept } from '../queue/url.ts'
import type { Cycled, CycleParameters } from './protocol.ts'

/** What the module needs to know: a queue in which so many tasks wait. */
export interface BacklogOptions {
  url: string
  waiting: number
}

/** The engine with a backlog, and no pool behind it. */
export async function start({ url, waiting }: BacklogOptions): Promise<StartedSystem> {
  const engine = await openEngine(url)
  if (!isKept(url)) await fill(engine, waiting)
  const worker = new EngineWorker(engine)

  async function cycle({ cycles, tasks, adders, slots }: CycleParameters): Promise<Cycled> {
    let adding = 0
    let working = 0
    for (let left = cycles; left > 0; left--) {
      adding += await secondsOf(() =>
        addConcurrently(adders, times(tasks), () => engine.add([newTask()], { held: false })),
      )
      working += await secondsOf(() => worker.work(tasks, slots))
    }
    await expectWaiting(engine, waiting)
    const all = cycles * tasks
    return { adds: all / adding, claims: all / working, resident: residentMegabytes() }
  }
  return { answers: { cycle }, stop: () => engine.close() }
}

/** Does with the engine what the dispatcher does, and runs nothing. */
class EngineWorker {
  readonly #engine: Engine
  #wake = (): void => {}

  constructor(engine: Engine) {
    this.#engine = engine
    engine.onClaimable(() => this.#wake())
  }

  async work(count: number, slots: number): Promise<void> {
    for (let left = count; left > 0;) {
      // Made before the claim, so that what becomes claimable meanwhile is not missed.
      const claimable = new Promise<void>((resolve) => (this.#wake = resolve))
      const done = await this.#round(Math.min(left, slots))
      if (done === 0) await claimable
      left -= done
    }
  }

  async #round(slots: number): Promise<number> {
    const tasks = await this.#engine.claim('cpu', slots)
    if (tasks.length === 0) return 0
    const at = Date.now()
    const started = await this.#engine.start(
      tasks.map(({ id }) => id),
      at,
    )
    if (started.length !== tasks.length)
      throw new Error(`Expected ${tasks.length} tasks to start, got ${started.length}`)
    const recorded = await Promise.all(
      tasks.map(({ id, attempt }) =>
        this.#engine.record(id, attempt, { state: 'succeeded', at, result: null }),
      ),
    )
    if (recorded.includes(false)) throw new Error('Expected every outcome to be recorded')
    return tasks.length
  }
}

function residentMegabytes(): number {
  globalThis.gc!()
  return process.memoryUsage.rss() / 1e6
}
