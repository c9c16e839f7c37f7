import { AfterworkError } from '../core/errors.ts'
import type { Receipt } from '../core/receipt.ts'

/** How many are kept; the oldest leave first. */
const most = 100_000

/** The receipts of the memory engine. */
export class Receipts {
  /** Oldest first. */
  readonly #byKey = new Map<string, Receipt>()

  /** @throws AFTERWORK_CONFLICT where there is one with that key */
  add(receipt: Receipt, now: number): void {
    if (this.get(receipt.key, now) !== undefined) throw receiptExists()
    // A new one is the newest.
    this.#byKey.delete(receipt.key)
    this.#byKey.set(receipt.key, receipt)
    for (const [key, { expiresAt }] of this.#byKey) {
      if (expiresAt > now && this.#byKey.size <= most) break
      this.#byKey.delete(key)
    }
  }

  get(key: string, now: number): Receipt | undefined {
    const receipt = this.#byKey.get(key)
    return receipt !== undefined && receipt.expiresAt > now ? receipt : undefined
  }

  remove(key: string): void {
    this.#byKey.delete(key)
  }
}

/** Two requests with one key came at once, and the other was first. */
export function receiptExists(): AfterworkError {
  return new AfterworkError(
    'AFTERWORK_CONFLICT',
    'A request with this Idempotency-Key was answered meanwhile',
  )
}
