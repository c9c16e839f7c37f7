/** What a process of a system does: `add` only adds tasks, as web processes do, and `work` runs them. */
export type Role = 'add' | 'work'

/** What the modules of the systems need to know. */
export interface RoleOptions {
  /** Of the database. */
  url: string
  role: Role
  /** Whether it is the time to a start that counts, and not how many: some systems are set up differently for each. */
  prompt: boolean
}

/** How many tasks. */
export interface Count {
  tasks: number
}

/** Tasks that are added one after another, with a random pause before each. */
export interface DispatchParameters extends Count {
  seed: number
  /** Of the least and the longest pause, in milliseconds. */
  pauses: readonly [least: number, longest: number]
}

/** A task that was added, by the clock that all processes share. */
export interface Sent {
  id: string
  called: number
  acknowledged: number
}

/** The tasks in their order. */
export interface Dispatched {
  sent: Sent[]
}

/** Which tasks, and how many milliseconds the last of them may take to begin. */
export interface StartsParameters {
  ids: readonly string[]
}

/** When each of these tasks began, by the clock that all processes share. */
export interface Starts {
  starts: number[]
}

/** When a process was told to take tasks, by the clock that all processes share. */
export interface Opened {
  at: number
}

/** How many tasks have ended in a process, and when the last did, by the clock that all processes share. */
export interface Ends {
  count: number
  last: number
}
