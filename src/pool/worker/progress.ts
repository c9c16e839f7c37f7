import type { Progress } from '../../core/task.ts'

/** How much time passes at least between two messages, in milliseconds. */
const interval = 100

/** How far a task is, said at most ten times a second, the last one always. */
export class RunningProgress {
  readonly #say: (progress: Progress) => void
  #saidAt = -Infinity
  #unsaid: Progress | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(say: (progress: Progress) => void) {
    this.#say = say
  }

  readonly set = (fraction: number, message?: string): void => {
    const bounded = Math.min(Math.max(Number(fraction) || 0, 0), 1)
    this.#unsaid = { fraction: bounded, message: message === undefined ? null : String(message) }
    const wait = this.#saidAt + interval - performance.now()
    if (wait <= 0) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), wait).unref()
  }

  /** Says at once what is yet to be said. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#unsaid === undefined) return
    this.#saidAt = performance.now()
    this.#say(this.#unsaid)
    this.#unsaid = undefined
  }
}
