/** How the adders of one measurement work. */
export interface AddParameters {
  adders: number
  seconds: number
}

/** What came of it. */
export interface Added {
  /** Acknowledged. */
  added: number
  /** Acknowledged a second. */
  rate: number
  /** p99 of the loop delay, in milliseconds. */
  delay: number
}

/** What was found in the queue by a process that did not add it. */
export interface Found {
  found: number
}
