import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the loop is looked at, in milliseconds; Node.js counts it into every delay. */
const resolution = 1

/** How late the event loop of this process is. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution })

  constructor() {
    this.#histogram.enable()
  }

  /** The p99 in milliseconds. */
  get p99(): number {
    return Math.max(this.#histogram.percentile(99) / 1e6 - resolution, 0)
  }

  /** Forgets what was seen. */
  reset(): void {
    this.#histogram.reset()
  }
}
