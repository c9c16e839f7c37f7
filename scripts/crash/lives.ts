import { Life, type LifeSettings } from './life.ts'

/** A kill, as the judge needs to know of it. */
export interface Kill {
  pid: number
  /** Milliseconds since 1970. */
  at: number
}

/** One life of the service after the other, on the same data. */
export class Lives {
  readonly kills: Kill[] = []
  readonly #settings: LifeSettings
  readonly #signal: AbortSignal
  #current: Life | undefined

  /** @param signal aborted when there will be no further life. */
  constructor(settings: LifeSettings, signal: AbortSignal) {
    this.#settings = settings
    this.#signal = signal
  }

  /** The life that began last. */
  get current(): Life {
    return this.#current!
  }

  /** The next life begins; it listens later. Throws when the run is over. */
  start(): Life {
    this.#signal.throwIfAborted()
    this.#current = new Life(this.#settings)
    return this.#current
  }

  /** Where the service listens, once it does; it may be gone again when that is used. Rejects when the run is over. */
  readonly url = async (): Promise<string> => {
    for (;;) {
      const life = this.#current!
      const url = await life.listening
      this.#signal.throwIfAborted()
      if (url !== undefined && !life.killed) return url
      // The next life is about to begin.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Kills it at once; resolves when the process is gone. */
  kill(): Promise<unknown> {
    const life = this.#current!
    if (!life.killed) this.kills.push({ pid: life.pid, at: Date.now() })
    return life.kill()
  }
}
