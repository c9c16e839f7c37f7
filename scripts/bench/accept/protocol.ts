/** What a server saw since the question before. */
export interface Seen {
  /** p99 of the loop delay, in milliseconds. */
  delay: number
  /** Tasks that were accepted since its start; null where there are none. */
  accepted: number | null
  /** Of them, those that have not ended. */
  open: number
}
