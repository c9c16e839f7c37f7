import { deepStrictEqual } from 'node:assert/strict'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import fc from 'fast-check'
import { newId } from '../../src/core/id.ts'
import type { EndedTask } from '../../src/core/on-ended.ts'
import { hasEnded, taskStates } from '../../src/core/task.ts'
import { decodeArguments } from '../../src/core/value.ts'
import type { Engine, QueueBounds, Retention } from '../../src/queue/queue.ts'
import { newTask, Subject, type Durable, type Open } from './conformance/subject.ts'
import { slotsOf, type Item } from './item.ts'
import { Model } from './model.ts'
import { onEnded, pools, settlementOf, steps, taskOf, type Pick, type Step } from './steps.ts'

const bounds: QueueBounds = { maxTasks: 12, maxBytes: 60 }
const retention: Retention = { tasks: 100_000 }
/** How long the engine may take to tell of something that it has done, in milliseconds. */
const patience = 2_000

/** The runs of every day are always the same, so that what fails is what was changed; AFTERWORK_SEED gives others. */
const usualSeed = 20_261_121

/**
 * Whatever is done to an engine, and in whatever order, it does what the model does; AFTERWORK_RUNS=10000 for long, with
 * a seed of its own each time.
 */
export function property(name: string, open: Open, usual: number): void {
  const wanted = process.env['AFTERWORK_RUNS']
  const runs = Number(wanted ?? usual)
  const seed = process.env['AFTERWORK_SEED'] ?? (wanted === undefined ? usualSeed : undefined)
  test.serial(`${name}: whatever is done to it, it keeps its promises`, async (t) => {
    const most = 20_000 + runs * 50
    t.timeout(2 * most)
    const parameters = { numRuns: runs, ...(seed !== undefined && { seed: Number(seed) }) }
    await keepsPromises(() => open(t, bounds, retention), parameters, performance.now() + most)
    t.pass()
  })
}

/**
 * Runs random steps against engines and the model; after a time, on the clock of performance.now(), no more of them,
 * for a machine that is too slow. @throws with the seed and the shortest steps that show the fault
 */
export async function keepsPromises(
  open: () => Promise<Engine | Durable>,
  parameters: fc.Parameters<[Step[]]>,
  until = Infinity,
): Promise<void> {
  const trial = fc.asyncProperty(fc.array(steps, { maxLength: 80, size: 'max' }), async (all) => {
    if (performance.now() > until) return
    const trial = new Trial(await open())
    try {
      for (const step of all) await trial.take(step)
      await trial.finish()
    } finally {
      await trial.close()
    }
  })
  await fc.assert(trial, { includeErrorInReport: true, ...parameters })
}

/** An engine and the model side by side. */
class Trial {
  readonly #model = new Model(bounds)
  readonly #groups = Array.from({ length: 4 }, () => newId())
  readonly #reopen: (() => Promise<Engine>) | undefined
  #queue: Subject
  /** Pools that gave less than was asked for, and owe a call back before they give more. */
  readonly #drained = new Set<string>()

  constructor(opened: Engine | Durable) {
    this.#queue = new Subject('reopen' in opened ? opened.engine : opened)
    this.#reopen = 'reopen' in opened ? opened.reopen : undefined
  }

  close(): Promise<void> {
    return this.#queue.engine.close()
  }

  /** One step, after which engine and model must agree. */
  async take(step: Step): Promise<void> {
    if (step.act === 'run') return this.#run(step)
    await this.#act(step)
    await this.#hear()
    await this.#agree()
  }

  /** Runs to its end what can be, cancels the rest: nothing must be left, and every id be known. */
  async finish(): Promise<void> {
    const model = this.#model
    const live = () => model.items.filter(({ state }) => !hasEnded(state))
    for (const pool of pools) await this.take({ act: 'resume', pool })
    while (live().length > 0) {
      const all = Array.from(model.byId.keys(), (_, at) => ({ at, any: true }))
      await this.take({ act: 'release', picks: all })
      for (const pool of pools) await this.take({ act: 'claim', pool, slots: 100 })
      await this.take({ act: 'start', picks: all })
      const running = live().filter(({ state }) => state === 'running')
      const pick = { at: 0, any: false }
      const settled = { stale: 0, state: 'succeeded', far: false, suspect: false } as const
      for (const _ of running) await this.take({ act: 'record', pick, ...settled, followUps: [] })
      if (running.length === 0) await this.take({ act: 'cancel', pick })
    }
    for (const [id, { task }] of model.byId) {
      deepStrictEqual((await this.#queue.engine.get(id))?.id, task.id, 'the id behind an id')
    }
  }

  /** The whole life of an attempt of whatever comes next. */
  async #run({ pool, ...outcome }: Extract<Step, { act: 'run' }>): Promise<void> {
    const [next] = this.#model.claimable(pool)
    await this.take({ act: 'claim', pool, slots: 1 })
    if (next === undefined) return
    const pick = { at: [...this.#model.byId.keys()].indexOf(next.task.id), any: true }
    await this.take({ act: 'start', picks: [pick] })
    await this.take({ ...outcome, act: 'record', pick, stale: 0 })
  }

  async #act(step: Exclude<Step, { act: 'run' }>): Promise<void> {
    const [model, { engine }] = [this.#model, this.#queue]
    switch (step.act) {
      case 'add': {
        const tasks = step.tasks.map((wanted) => taskOf(wanted, this.#groups))
        const code = await codeOf(engine.add(tasks, step))
        deepStrictEqual(code, model.add(tasks, step) ? undefined : 'AFTERWORK_QUEUE_FULL', 'add')
        return
      }
      case 'release': {
        const ids = this.#ids(step.picks, () => true)
        await engine.release(ids)
        return model.release(ids)
      }
      case 'claim':
        return this.#claim(step.pool, step.slots)
      case 'start': {
        const ids = this.#ids(step.picks, ({ claimed }) => claimed)
        deepStrictEqual(await engine.start(ids, Date.now()), model.start(ids), 'started')
        return
      }
      case 'record': {
        const [id] = this.#ids([step.pick], ({ state }) => state === 'running') as [string]
        const attempt = (model.byId.get(id)?.attempt ?? 1) + step.stale
        const followUps = step.followUps.map((wanted) => taskOf(wanted, this.#groups))
        const settlement = settlementOf(step)
        const recorded = await engine.record(id, attempt, settlement, followUps)
        deepStrictEqual(recorded, model.record(id, attempt, settlement, followUps), 'recorded')
        return
      }
      case 'giveBack': {
        const ids = this.#ids(step.picks, ({ claimed }) => claimed)
        await engine.giveBack(ids)
        return model.giveBack(ids)
      }
      case 'cancel':
        return this.#cancel(step.pick)
      case 'retry': {
        const [id] = this.#ids([step.pick], ({ state }) => state === 'failed' || state === 'cancelled') as [
          string,
        ]
        deepStrictEqual(await codeOf(engine.retry(id)), model.retry(id), 'retry')
        return
      }
      case 'pause':
        model.paused.add(step.pool)
        return engine.pause(step.pool)
      case 'resume':
        model.paused.delete(step.pool)
        return engine.resume(step.pool)
      case 'reopen':
        return this.#crash()
    }
  }

  async #claim(pool: string, slots: number): Promise<void> {
    // What was called back for earlier is no call back for what is to come.
    await turn()
    const claimed = await this.#queue.engine.claim(pool, slots)
    const claimable = this.#model.claimable(pool, slots)
    const expected = claimable.slice(0, claimed.length)
    deepStrictEqual(
      claimed.map(({ id, attempt, failures, suspect }) => ({ id, attempt, failures, suspect })),
      expected.map(({ task, attempt, failures, suspect }) => ({
        id: task.id,
        attempt: attempt + 1,
        failures,
        suspect,
      })),
      `claimed of ${pool}`,
    )
    const filled = slotsOf(expected)
    if (expected.length < claimable.length) deepStrictEqual(filled, slots, `slots filled of ${pool}`)
    this.#model.claim(expected)
    if (filled === slots) return
    this.#drained.add(pool)
    this.#queue.told.claimable.delete(pool)
  }

  async #cancel(pick: Pick): Promise<void> {
    const [id] = this.#ids([pick], ({ state }) => !hasEnded(state)) as [string]
    const { told, engine } = this.#queue
    const code = await codeOf(engine.cancel(id, Date.now()))
    const expected = this.#model.cancel(id)
    deepStrictEqual(code, typeof expected === 'string' ? expected : undefined, 'cancel')
    if (expected !== true) return
    await this.#within(() => told.cancel.length > 0, `cancel ${id}`)
    const { task, attempt } = this.#model.byId.get(id)!
    deepStrictEqual(told.cancel.splice(0), [{ id: task.id, attempt }], 'told to cancel')
  }

  /**
   * Engines that keep nothing are not reopened. What is paused after a crash is the engine's own business, and what
   * ends while it is reopened is told to nobody.
   */
  async #crash(): Promise<void> {
    if (this.#reopen === undefined) return
    const model = this.#model
    for (const pool of pools) await this.#act({ act: 'resume', pool })
    this.#queue = new Subject(await this.#reopen())
    model.crash()
    model.cancelled = []
    this.#drained.clear()
    const records = await this.#queue.engine.list({ limit: 100_000 })
    this.#queue.told.added = records.filter(({ id }) => !model.byId.has(id)).toReversed()
  }

  /** What the engine tells is what happened: cancelled tasks, `onEnded` tasks, pools that have something again. */
  async #hear(): Promise<void> {
    const [model, { told }] = [this.#model, this.#queue]
    await this.#within(() => told.added.length >= model.ended.length, 'an onEnded task')
    const added = told.added.splice(0)
    const of = added.map(({ args }) => (decodeArguments(args)[0] as EndedTask).id)
    deepStrictEqual(of.toSorted(), model.ended.splice(0).toSorted(), 'told of onEnded tasks')
    for (const { id, name, args } of added) {
      model.adopt(newTask({ id, name, args, group: id, options: onEnded.options }))
    }
    await this.#within(() => told.cancelled.length >= model.cancelled.length, 'cancelled')
    const cancelled = told.cancelled.splice(0).map(({ id }) => id)
    deepStrictEqual(cancelled.toSorted(), model.cancelled.splice(0).toSorted(), 'told of cancelled tasks')
    for (const pool of this.#drained) {
      if (model.claimable(pool).length === 0) continue
      await this.#within(() => told.claimable.has(pool), `${pool} is claimable`)
      this.#drained.delete(pool)
    }
  }

  async #agree(): Promise<void> {
    const [model, { engine }] = [this.#model, this.#queue]
    const records = await engine.list({ limit: 100_000 })
    deepStrictEqual(
      records.map(({ id, state, attempt, error, endedAt }) => ({
        id,
        state,
        attempt,
        ended: endedAt !== null,
        code: hasEnded(state) ? error?.code : undefined,
      })),
      model.items
        .map(({ task: { id }, state, attempt, code }) => ({
          id,
          state,
          attempt,
          ended: hasEnded(state),
          code,
        }))
        .toSorted((a, b) => (a.id < b.id ? 1 : -1)),
      'the records',
    )
    const counters = Object.fromEntries(taskStates.map((state) => [state, model.count(state)]))
    deepStrictEqual(await engine.counters(), counters, 'the counters')
    deepStrictEqual([...engine.paused()].toSorted(), [...model.paused].toSorted(), 'the paused pools')
  }

  /** Ids of the tasks that a step is about; where it suits none, of one that is unknown. */
  #ids(picks: readonly Pick[], suits: (item: Item) => boolean): string[] {
    const all = [...this.#model.byId.keys()]
    const suited = this.#model.items.filter(suits).map(({ task }) => task.id)
    const chosen = picks.map(({ at, any }) => {
      const from = any ? all : suited
      return from.length === 0 ? newId() : from[at % from.length]!
    })
    return [...new Set(chosen)]
  }

  async #within(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return
    const late = new AbortController()
    const timer = wait(patience, undefined, { signal: late.signal }).then(() => {
      throw new Error(`The engine did not tell: ${what}`)
    })
    await Promise.race([this.#queue.until(condition), timer]).finally(() => late.abort())
  }
}

async function codeOf(done: Promise<unknown>): Promise<string | undefined> {
  try {
    await done
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
