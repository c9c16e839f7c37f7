import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop of this process is. */
export class LoopDelay {
  readonly #resolution: number
  readonly #histogram: ReturnType<typeof monitorEventLoopDelay>

  /**
   * `resolution` is how often the loop is looked at, in milliseconds, which Node.js counts into every delay. Default: 1,
   * which wakes a loop that has nothing to do a thousand times a second, and costs a busy one nothing.
   */
  constructor(resolution = 1) {
    this.#resolution = resolution
    this.#histogram = monitorEventLoopDelay({ resolution })
    this.#histogram.enable()
  }

  /** The p99 in milliseconds. */
  get p99(): number {
    return Math.max(this.#histogram.percentile(99) / 1e6 - this.#resolution, 0)
  }

  /** Forgets what was seen. */
  reset(): void {
    this.#histogram.reset()
  }
}
