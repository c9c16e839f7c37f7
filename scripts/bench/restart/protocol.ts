/** What a process found when it opened the queue, and what waits there since it added some more. */
export interface Held {
  found: number
  waiting: number
}

/** How long the engine alone took to open, in milliseconds. */
export interface Opened {
  ms: number
}

/** How the whole runtime took over. */
export interface Restarted {
  /** From before it opened the queue until the first task was started, in milliseconds. */
  ms: number
  /** Tasks that it knows, in whatever state. */
  known: number
}
