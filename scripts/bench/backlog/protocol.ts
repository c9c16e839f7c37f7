/** A cycle adds tasks, then claims, starts and records as many, so that always about as many wait. */
export interface CycleParameters {
  cycles: number
  /** Tasks of a cycle. */
  tasks: number
  adders: number
  /** Free slots for each claim. */
  slots: number
}

/** What came of the cycles. */
export interface Cycled {
  /** Tasks added a second of adding. */
  adds: number
  /** Tasks claimed, started and recorded a second of that. */
  claims: number
  /** Resident memory of the process after garbage collection, in MB. */
  resident: number
}
