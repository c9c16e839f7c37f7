/** Tells the time and waits: the machine's clock, or one that a test moves by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that nobody sets, to measure with. */
  readonly monotonic: () => number
  /** Calls back once so many milliseconds have passed, or earlier; gives what prevents it. */
  readonly after: (wait: number, call: () => void) => () => void
}

/** How long a timer waits at most, in milliseconds: a clock that was put forward makes things due before their timer. */
const maxTimer = 60_000

/** The machine's; a wait of more than a minute calls back after one. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (wait, call) => {
    const timer = setTimeout(call, Math.min(wait, maxTimer))
    return () => clearTimeout(timer)
  },
}
