import type { Receipt } from '../../../core/receipt.ts'
import type { Moved, MovedAlias, MovedTask, Seal } from '../../moved.ts'

/** A queue that leaves for this one; see Moving in sqlite/at-rest, which is one. */
export interface Source {
  readonly file: string
  readonly seal: Seal | undefined
  sealFor(seal: Seal): void
  unseal(): void
  recover(now: number): void
  extent(): { tasks: number; first: number | null; last: number | null }
  lanes(): { pool: string; name: string; batch: 0 | 1 }[]
  keys(): Iterable<{ id: string; name: string; key: string }>
  turns(): Iterable<MovedTask | MovedAlias>
  starts(): Iterable<{ name: string; at: number }>
  receipts(now: number): Iterable<Receipt>
  paused(): Moved['paused']
}
