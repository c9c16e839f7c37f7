/** States of a row of `tasks`. Whether a task that is ready runs, says its ticket: the job of pg-boss with its id. */
export const rowState = {
  /** An earlier task of its group has not ended. */
  blocked: 0,
  /** Its turn has come: it has a ticket. */
  ready: 1,
  scheduled: 2,
  /** Its response has not closed, and there is more to its release than that: a group, a delay or a key. */
  held: 3,
  /** It waits for nothing but its response: it has a ticket from its release on. */
  simple: 4,
  succeeded: 5,
  failed: 6,
  cancelled: 7,
} as const

/** Bits of `tasks.flags`. */
export const flag = { onlyAfterSuccess: 1, onEnded: 2, atMostOnce: 4, grouped: 8, files: 16 } as const

/** Seconds after which a ticket whose process gives no sign of life is another's; the shortest that pg-boss knows. */
export const leaseSeconds = 10
