import type { MoveProgress } from '../../queue/move.ts'
import { count } from '../output/human.ts'

/** A line that says how far it is, where standard error is a terminal. */
export class Meter {
  readonly #stream = process.stderr
  #shown = false

  show({ done, of }: MoveProgress): void {
    if (!this.#stream.isTTY) return
    this.#shown = true
    const left = done < of ? '' : ', committing'
    this.#stream.write(`\r\u001B[K${count(done)} of ${count(of)} tasks${left}`)
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) this.#stream.write('\r\u001B[K')
  }
}
