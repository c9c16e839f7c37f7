import { batchSize } from '../core/task.ts'
import type { PoolSizes } from '../core/pool.ts'

const bytesPerRow = 16
/** Rows that a board has at first; it grows as attempts need more. */
const rowsAtFirst = 256
/** Rows that a board may ever have: address space is set aside for them, memory only once they are used. */
const mostRows = 2 ** 22

const wasFirst = 1
const hasEnded = 2

/** Memory for the board of threads of one size. */
export function boardMemory({ maxThreads, concurrency }: PoolSizes): SharedArrayBuffer {
  const rows = Math.min(maxThreads * concurrency * batchSize, mostRows)
  return new SharedArrayBuffer(Math.min(rows, rowsAtFirst) * bytesPerRow, {
    maxByteLength: rows * bytesPerRow,
  })
}

/**
 * Where threads write down, a row for each attempt, what they have begun and ended. The main thread reads it whenever
 * it must know, however busy the threads are: a message for each start would cost more than a small task.
 */
export class Board {
  readonly #memory: SharedArrayBuffer
  /** Four numbers a row, of which the thread is the first, what is known of the attempt the second. */
  readonly #numbers: Int32Array
  /** Two numbers a row, of which the time is the second. */
  readonly #times: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory
    this.#numbers = new Int32Array(memory)
    this.#times = new Float64Array(memory)
  }

  // What threads write

  /** An attempt begins; `first` when nothing ran on its thread before. */
  begin(row: number, thread: number, first: boolean): void {
    this.#times[2 * row + 1] = Date.now()
    Atomics.store(this.#numbers, 4 * row + 1, first ? wasFirst : 0)
    // The thread comes last, for whoever sees it takes the rest for true.
    Atomics.store(this.#numbers, 4 * row, thread)
  }

  /** An attempt has ended, though its reply is yet to come. */
  end(row: number): void {
    Atomics.or(this.#numbers, 4 * row + 1, hasEnded)
  }

  // What the main thread asks

  /** Makes a row ready for another attempt. */
  clear(row: number): void {
    const needed = (row + 1) * bytesPerRow
    const { byteLength, maxByteLength } = this.#memory
    if (needed > byteLength) this.#memory.grow(Math.min(Math.max(needed, 2 * byteLength), maxByteLength))
    Atomics.store(this.#numbers, 4 * row, 0)
  }

  /** The thread on which an attempt began, or null if it has not. */
  thread(row: number): number | null {
    return Atomics.load(this.#numbers, 4 * row) || null
  }

  /** Milliseconds since 1970 when an attempt began; it must have. */
  startedAt(row: number): number {
    return this.#times[2 * row + 1]!
  }

  /** Whether nothing ran on the thread of an attempt before; it must have begun. */
  first(row: number): boolean {
    return (Atomics.load(this.#numbers, 4 * row + 1) & wasFirst) !== 0
  }

  /** Whether an attempt has ended; it must have begun. */
  ended(row: number): boolean {
    return (Atomics.load(this.#numbers, 4 * row + 1) & hasEnded) !== 0
  }
}
