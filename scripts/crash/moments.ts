import { setTimeout as wait } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import type { QueueDatabase } from './database.ts'
import { cutAttempts, nextLine, readJournal } from './journal.ts'
import type { Life } from './life.ts'
import type { Load } from './load.ts'
import type { Mix } from './mix.ts'
import type { Options } from './options.ts'
import { Random } from './random.ts'

/** What goes on when a kill comes, or what it hits beside one process. */
export type Moment =
  | 'under load'
  | 'right after a 202'
  | 'in the middle of an upload'
  | 'while it starts'
  | 'while it recovers'
  | 'two at once'
  | 'the database'

/** How long a kill waits at most for what it is to come after, in milliseconds. */
const patience = 30_000
/** How long the database stays away at most, in milliseconds; now and then longer by more than a lease. */
const away = { most: 3_000, lease: 11_000, isLong: 0.25 }

/**
 * What each kill waits for. They come in pairs: only the second of one may hit a service that still recovers from
 * the first, because a task that is alone at three crashes in a row is failed on purpose.
 */
export function planMoments(
  seed: number,
  { kills, processes, databaseKills }: Pick<Options, 'kills' | 'processes' | 'databaseKills'>,
): Moment[] {
  const random = new Random(seed)
  const several = processes > 1 ? { 'two at once': 2 } : {}
  const rare = { 'two at once': 0, 'the database': 0, ...several }
  const usual = { 'under load': 5, 'right after a 202': 2, 'in the middle of an upload': 2 }
  const second = { ...usual, 'under load': 3, 'while it starts': 2, 'while it recovers': 3, ...rare }
  const plan = Array.from({ length: kills }, (_, index) => random.weighted<Moment>(weightsAt(index)))
  for (const at of placesOf(databaseKills)) plan[at] = 'the database'
  return plan

  function weightsAt(index: number): Record<Moment, number> {
    const none = { 'while it starts': 0, 'while it recovers': 0 }
    return index % 2 === 0 ? { ...none, ...usual, ...rare } : second
  }

  function placesOf(count: number): number[] {
    const places = Array.from({ length: kills }, (_, index) => index)
    return Array.from({ length: count }, () => places.splice(random.between(0, places.length - 1), 1)[0]!)
  }
}

/** What a killer needs. */
export interface KillerParts {
  cluster: Cluster
  /** Where several processes may share the queue. */
  database: QueueDatabase | null
  load: Load
  /** Makes the uploads that a kill cuts. */
  mix: Mix
  journal: string
  seed: number
  /** Aborted when the run is over. */
  signal: AbortSignal
}

/** Kills processes when their moment has come. */
export class Killer {
  readonly #parts: KillerParts
  readonly #random: Random
  /** Those that were started last. */
  #young: readonly Life[]

  constructor(parts: KillerParts) {
    this.#parts = parts
    this.#random = new Random(parts.seed)
    this.#young = parts.cluster.lives
  }

  /** Resolves when the processes are gone, and the database is there again; gives what was killed. */
  async kill(moment: Moment): Promise<string[]> {
    const { cluster, database, signal } = this.#parts
    const random = this.#random
    if (moment === 'while it starts') {
      await wait(random.between(0, 600))
      return this.#killed([this.#one(this.#young)])
    }
    await cluster.up()
    if (moment === 'while it recovers') {
      if (database !== null) return this.#killed([await this.#recovering()])
      await wait(random.between(0, 200))
      return this.#killed([this.#one()])
    }
    await wait(random.between(200, 1_500))
    switch (moment) {
      case 'under load':
        return this.#killed([this.#one()])
      case 'right after a 202':
        return this.#killed([await this.#acknowledging()])
      case 'in the middle of an upload':
        return this.#killed([await this.#uploading()])
      case 'two at once': {
        const first = this.#one()
        return this.#killed([first, this.#one(cluster.lives.filter((life) => life !== first))])
      }
      case 'the database':
        await database!.kill(this.#away(), signal)
        return ['postgres']
    }
  }

  /** Those that were killed begin their next life. */
  startAgain(): readonly Life[] {
    const young = this.#parts.cluster.startAgain()
    if (young.length > 0) this.#young = young
    return young
  }

  #away(): number {
    const short = this.#random.between(0, away.most)
    return this.#random.chance(away.isLong) ? away.lease + short : short
  }

  async #killed(lives: Life[]): Promise<string[]> {
    await Promise.all(lives.map((life) => this.#parts.cluster.kill(life)))
    return lives.map(({ role }) => role)
  }

  #one(of: readonly Life[] = this.#parts.cluster.lives): Life {
    return of[of.length === 1 ? 0 : this.#random.between(0, of.length - 1)]!
  }

  /** Is killed in the very turn of the loop that hears of its acknowledgement; where none comes, any is. */
  async #acknowledging(): Promise<Life> {
    const { cluster, load } = this.#parts
    const acknowledging = new Promise<Life>((resolve) => {
      load.onAcknowledged = (by) => {
        load.onAcknowledged = undefined
        void cluster.kill(by)
        resolve(by)
      }
    })
    const late = wait(patience, undefined, { ref: false }).then(() => this.#one())
    const life = await Promise.race([acknowledging, late])
    load.onAcknowledged = undefined
    return life
  }

  async #uploading(): Promise<Life> {
    const { cluster, load, mix } = this.#parts
    let life: Life | undefined
    await load.uploadSlowly(mix, async (to) => {
      life = to
      await wait(this.#random.between(0, 30))
      await cluster.kill(to)
    })
    return life ?? this.#one()
  }

  /** Begins a task that a kill has cut; where nothing was cut, any will do. */
  async #recovering(): Promise<Life> {
    const { cluster, journal } = this.#parts
    const killed = new Set(cluster.kills.map(({ pid }) => pid))
    const cut = cutAttempts((await readJournal(journal)).lines, killed)
    if (cut.size === 0) return this.#one()
    const begins = await nextLine(journal, ({ verb, id }) => verb === 'begin' && cut.has(id), patience)
    return cluster.lives.find(({ pid }) => pid === begins?.pid) ?? this.#one()
  }
}
