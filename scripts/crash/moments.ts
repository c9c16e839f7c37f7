import { setTimeout as wait } from 'node:timers/promises'
import type { Lives } from './lives.ts'
import type { Load } from './load.ts'
import type { Mix } from './mix.ts'
import { Random } from './random.ts'

/** What goes on when a kill comes. */
export type Moment =
  'under load' | 'right after a 202' | 'in the middle of an upload' | 'while it starts' | 'while it recovers'

/** How long a kill waits for an acknowledgement at most, in milliseconds. */
const patience = 30_000

/**
 * What each kill waits for. They come in pairs: only the second of one may hit a service that still recovers from
 * the first, because a task that is alone at three crashes in a row is failed on purpose.
 */
export function planMoments(seed: number, kills: number): Moment[] {
  const random = new Random(seed)
  const usual = { 'under load': 5, 'right after a 202': 2, 'in the middle of an upload': 2 }
  const second = { ...usual, 'under load': 3, 'while it starts': 2, 'while it recovers': 3 }
  return Array.from({ length: kills }, (_, index) => random.weighted<Moment>(weightsAt(index)))

  function weightsAt(index: number): Record<Moment, number> {
    const none = { 'while it starts': 0, 'while it recovers': 0 }
    return index % 2 === 0 ? { ...none, ...usual } : second
  }
}

/** Kills the service when its moment has come. */
export class Killer {
  readonly #lives: Lives
  readonly #load: Load
  readonly #mix: Mix
  readonly #random: Random

  /** @param mix makes the uploads that a kill cuts. */
  constructor(lives: Lives, load: Load, mix: Mix, seed: number) {
    this.#lives = lives
    this.#load = load
    this.#mix = mix
    this.#random = new Random(seed)
  }

  /** Resolves when the process is gone. */
  async kill(moment: Moment): Promise<void> {
    const random = this.#random
    if (moment === 'while it starts') {
      await wait(random.between(0, 600))
    } else {
      await this.#lives.current.listening
      await wait(moment === 'while it recovers' ? random.between(0, 200) : random.between(200, 1_500))
    }
    if (moment === 'right after a 202') await this.#nextAcknowledgement()
    if (moment === 'in the middle of an upload') {
      await this.#load.uploadSlowly(this.#mix, async () => {
        await wait(random.between(0, 30))
        await this.#lives.kill()
      })
    }
    await this.#lives.kill()
  }

  /** Kills in the very turn of the loop that hears of it; a service that acknowledges nothing is killed for that. */
  async #nextAcknowledgement(): Promise<void> {
    const killed = new Promise((resolve) => {
      this.#load.onAcknowledged = () => resolve(this.#lives.kill())
    })
    await Promise.race([killed, wait(patience, undefined, { ref: false })])
    this.#load.onAcknowledged = undefined
  }
}
