import { Life, type LifeSettings } from './life.ts'

/** A kill, as the judge needs to know of it. */
export interface Kill {
  pid: number
  /** Milliseconds since 1970. */
  at: number
}

/** One life of a process after the other, on the same data. */
export class Lives {
  readonly #settings: LifeSettings
  #current: Life | undefined

  constructor(settings: LifeSettings) {
    this.#settings = settings
  }

  /** The life that began last; undefined before the first. */
  get current(): Life | undefined {
    return this.#current
  }

  /** The next life begins; it is up later. `env` is for this one alone. */
  start(env: Record<string, string> = {}): Life {
    this.#current = new Life({ ...this.#settings, env: { ...this.#settings.env, ...env } })
    return this.#current
  }
}
