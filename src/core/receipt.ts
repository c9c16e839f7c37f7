/** What is kept of a request under its Idempotency-Key, so that the same request again gets the same answer. */
export interface Receipt {
  /** Scope and key of the request, as a digest. */
  key: string
  /** A digest of what was asked. */
  fingerprint: string
  /** What was answered, as text. */
  answer: string
  /** Until when it is kept, in milliseconds since 1970. */
  expiresAt: number
}
