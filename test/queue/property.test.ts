import test from 'ava'
import { toFailure } from '../../src/core/failure.ts'
import type { ClaimedTask, TaskState } from '../../src/core/task.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import type { Settlement, Subscriber } from '../../src/queue/queue.ts'
import { keepsPromises } from './property.ts'

const bounds = { maxTasks: 12, maxBytes: 60 }
const retention = { tasks: 100_000 }

/** Engines that break one promise each. */
const broken: Record<string, typeof MemoryQueue> = {
  'gives the youngest first': class extends MemoryQueue {
    override async claim(pool: string, slots: number): Promise<ClaimedTask[]> {
      return (await super.claim(pool, slots)).toReversed()
    }
  },
  'gives a task twice': class extends MemoryQueue {
    #last: ClaimedTask[] = []
    override async claim(pool: string, slots: number): Promise<ClaimedTask[]> {
      const claimed = await super.claim(pool, slots)
      if (claimed.length < slots) claimed.push(...this.#last.slice(0, 1))
      return (this.#last = claimed)
    }
  },
  'gives more than there are slots': class extends MemoryQueue {
    override async claim(pool: string, slots: number): Promise<ClaimedTask[]> {
      return await super.claim(pool, slots + 1)
    }
  },
  'gives tasks of a paused pool': class extends MemoryQueue {
    override async pause(): Promise<void> {}
  },
  'holds nothing': class extends MemoryQueue {
    override add(...[tasks, options]: Parameters<MemoryQueue['add']>): Promise<void> {
      return super.add(tasks, { ...options, held: false })
    }
  },
  'knows no bounds': class extends MemoryQueue {
    override add(...[tasks, options]: Parameters<MemoryQueue['add']>): Promise<void> {
      return super.add(tasks, { ...options, unbounded: true })
    }
  },
  'forgets a release': class extends MemoryQueue {
    override release(ids: readonly string[]): Promise<void> {
      return super.release(ids.slice(1))
    }
  },
  'records a stale attempt': class extends MemoryQueue {
    override async record(id: string, attempt: number, settlement: Settlement): Promise<boolean> {
      const running = (await this.get(id))?.attempt ?? attempt
      return super.record(id, running, settlement)
    }
  },
  'loses follow-ups': class extends MemoryQueue {
    override record(id: string, attempt: number, settlement: Settlement): Promise<boolean> {
      return super.record(id, attempt, settlement)
    }
  },
  miscounts: class extends MemoryQueue {
    override async counters(): Promise<Record<TaskState, number>> {
      const counters = await super.counters()
      return { ...counters, queued: counters.queued + counters.cancelled, cancelled: 0 }
    }
  },
  'tells of no cancelled task': class extends MemoryQueue {
    override subscribe(subscriber: Subscriber): void {
      super.subscribe({ ...subscriber, cancelled: () => {} })
    }
  },
  'does not call back': class extends MemoryQueue {
    override onClaimable(): void {}
  },
}

for (const [what, Broken] of Object.entries(broken)) {
  test(`an engine that ${what} is found out`, async (t) => {
    const open = () => Promise.resolve(new Broken(bounds, retention))
    await t.throwsAsync(keepsPromises(open, { numRuns: 200, endOnFailure: true }))
  })
}

/** A memory engine that a crash leaves as it would a durable one. */
class Crashing extends MemoryQueue {
  readonly #ids: string[] = []

  override add(...[tasks, options]: Parameters<MemoryQueue['add']>): Promise<void> {
    this.#ids.push(...tasks.map(({ id }) => id))
    return super.add(tasks, options)
  }

  async crash(): Promise<this> {
    const at = Date.now()
    await this.giveBack((await this.list({ limit: 1_000 })).map(({ id }) => id))
    for (const { id, attempt } of await this.list({ state: 'running', limit: 1_000 }))
      await this.record(id, attempt, { state: 'queued', at, suspect: true, failure: toFailure(new Error()) })
    await this.release(this.#ids)
    return this
  }
}

test('an engine that keeps its tasks is reopened in between', async (t) => {
  let crashes = 0
  const open = () => {
    const engine = new Crashing(bounds, retention)
    return Promise.resolve({ engine, reopen: () => (crashes++, engine.crash()) })
  }
  await t.notThrowsAsync(keepsPromises(open, { numRuns: 100, endOnFailure: true }))
  t.true(crashes > 0)
})
