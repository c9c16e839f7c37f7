/** How many callers hear in one turn of the loop that their tasks are stored, and how many while many tasks wait. */
const [mostInTurn, fewInTurn] = [16, 4]
/** So many tasks in memory are more than requests under way account for. */
const many = 512

/**
 * Lets callers go on a few at a time. A transaction is acknowledged to hundreds of requests at once; were all of them
 * answered in one turn, that turn would hold up everything else for as long as they take, the filling of threads above
 * all: tasks would come in faster than they are run.
 */
export class Gate {
  readonly #tasks: () => number
  #left = fewInTurn
  #waiting: (() => void)[] = []
  #first = 0
  #opening = false

  /** `tasks` says how many tasks wait or run. */
  constructor(tasks: () => number) {
    this.#tasks = tasks
  }

  /** Resolves at once, or in a later turn when as many have passed in this one as may. */
  pass(): Promise<void> | void {
    if (!this.#opening) {
      this.#opening = true
      setImmediate(() => this.#turn())
    }
    if (this.#left > 0) {
      this.#left--
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #turn(): void {
    this.#left = this.#tasks() > many ? fewInTurn : mostInTurn
    const last = Math.min(this.#first + this.#left, this.#waiting.length)
    this.#left -= last - this.#first
    while (this.#first < last) this.#waiting[this.#first++]!()
    if (this.#first < this.#waiting.length) setImmediate(() => this.#turn())
    else {
      this.#waiting = []
      this.#first = 0
      this.#opening = false
    }
  }
}
