import { nextTurn } from './turn.ts'

/** Lets attempts through one at a time, of whatever pool, while it is open. */
export class Gate {
  readonly #onRoom: () => void
  #openers = 0
  #inside = 0
  #last: Promise<unknown> = Promise.resolve()

  /** `onRoom` is told when something may go through that could not. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom
  }

  /** Slots that the pools share. */
  get free(): number {
    return this.#openers > 0 && this.#inside === 0 ? 1 : 0
  }

  /** Whether an attempt goes through, or has done so in this turn of the loop. */
  get busy(): boolean {
    return this.#inside > 0
  }

  /** Opens it until what is given back is called. */
  open(): () => void {
    let open = true
    this.#openers++
    this.#onRoom()
    return () => {
      if (open) this.#openers--
      open = false
    }
  }

  /** Runs what comes in turn: tasks with the option `batch` share a slot, and come together. */
  through<T>(work: () => Promise<T>): Promise<T> {
    this.#inside++
    const done = this.#last.then(work)
    const leave = (): void => this.#leave()
    this.#last = done.then(leave, leave)
    return done
  }

  /** First its outcome is recorded, so that what follows it may be next. */
  #leave(): void {
    void nextTurn().then(() => {
      this.#inside--
      if (this.free > 0) this.#onRoom()
    })
  }
}
