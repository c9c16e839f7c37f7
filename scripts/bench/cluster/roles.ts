import { setTimeout as wait } from 'node:timers/promises'
import { adding } from '../durable/adding.ts'
import type { Found } from '../durable/protocol.ts'
import { randomFrom } from '../files/random.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { sharedNow } from './clock.ts'
import type {
  Count,
  DispatchParameters,
  Dispatched,
  Ends,
  Opened,
  Sent,
  Starts,
  StartsParameters,
} from './protocol.ts'

/** How a system adds tasks. */
export interface Adder {
  /** Adds a task; gives its id once it is acknowledged. */
  add(): Promise<string>
  /** The same with a task whose start is known afterwards, where that is another. */
  addNoted?(): Promise<string>
  /** Adds so many tasks, in whatever way is fast. */
  fill?(count: number): Promise<void>
  /** How many tasks wait. */
  waiting?(): Promise<number>
  close(): Promise<void>
}

/** How a system runs tasks. */
export interface Worker {
  /** Takes tasks from now on. */
  open(): Promise<void>
  /** Takes no more tasks until it is opened again. */
  pause?(): Promise<void>
  /** Those that have ended here; throws when one has failed. */
  ends?(): Ends
  /** When the function of a task was begun, by sharedNow(); undefined as long as it was not. */
  begun(id: string): number | undefined | Promise<number | undefined>
  close(): Promise<void>
}

/** Counts the ends of tasks. */
export class EndCounter {
  #count = 0
  #last = 0

  ended(count = 1): void {
    this.#count += count
    this.#last = sharedNow()
  }

  /** All so far. */
  ends(): Ends {
    return { count: this.#count, last: this.#last }
  }
}

/** How long the last task may take to begin, in milliseconds. */
const patience = 30_000

/** A process that adds. */
export function adderSystem(adder: Adder): StartedSystem {
  async function dispatch({ tasks, seed, pauses }: DispatchParameters): Promise<Dispatched> {
    const random = randomFrom(seed)
    const [least, longest] = pauses
    const sent: Sent[] = []
    for (let count = 0; count < tasks; count++) {
      await wait(least + (random() % (longest - least)))
      const called = sharedNow()
      const id = await (adder.addNoted?.() ?? adder.add())
      sent.push({ id, called, acknowledged: sharedNow() })
    }
    return { sent }
  }
  async function fill({ tasks }: Count): Promise<object> {
    await adder.fill!(tasks)
    return {}
  }
  const waiting = async (): Promise<Found> => ({ found: await adder.waiting!() })
  const add = adding(() => adder.add())
  return { answers: { add, fill, waiting, dispatch }, stop: () => adder.close() }
}

/** A process that runs tasks. */
export function workerSystem(worker: Worker): StartedSystem {
  async function starts({ ids }: StartsParameters): Promise<Starts> {
    const last = performance.now() + patience
    const found: number[] = []
    for (const id of ids) {
      let at = await worker.begun(id)
      while (at === undefined) {
        if (performance.now() > last)
          throw new Error(`Expected task ${id} to begin, got none in ${patience} ms`)
        await wait(10)
        at = await worker.begun(id)
      }
      found.push(at)
    }
    return { starts: found }
  }
  async function open(): Promise<Opened> {
    const at = sharedNow()
    await worker.open()
    return { at }
  }
  async function pause(): Promise<object> {
    await worker.pause!()
    return {}
  }
  return {
    answers: { open, pause, starts, ends: () => worker.ends!() },
    stop: () => worker.close(),
  }
}
