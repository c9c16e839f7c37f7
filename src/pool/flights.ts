import type { Board } from './board.ts'
import type { Flight } from './flight.ts'

/** The attempts that were handed to threads of one size, each with its row on their board. */
export class Flights {
  readonly #board: Board
  readonly #rows: (Flight | undefined)[] = []
  readonly #unused: number[] = []
  #size = 0

  constructor(board: Board) {
    this.#board = board
  }

  get size(): number {
    return this.#size
  }

  add(flight: Flight): void {
    const row = this.#unused.pop() ?? this.#rows.length
    this.#board.clear(row)
    this.#rows[row] = flight
    this.#size++
    flight.row = row
  }

  remove(flight: Flight): void {
    this.#rows[flight.row] = undefined
    this.#unused.push(flight.row)
    this.#size--
    flight.row = -1
  }

  /** The attempt in a row, if it is still the one meant. */
  find({ row, id, attempt }: { row: number; id: string; attempt: number }): Flight | undefined {
    const flight = this.#rows[row]
    return flight?.task.id === id && flight.task.attempt === attempt ? flight : undefined
  }

  /** The attempts that run on a thread: they have begun, and have not ended. */
  on(thread: number): Flight[] {
    return this.#rows.filter(
      (flight): flight is Flight =>
        flight !== undefined && this.#board.thread(flight.row) === thread && !this.#board.ended(flight.row),
    )
  }

  *[Symbol.iterator](): Iterator<Flight> {
    for (const flight of this.#rows) if (flight !== undefined) yield flight
  }
}
