import { SqliteQueue } from '../../../src/queue/sqlite/engine.ts'

/** A queue whose answers to add() wait until a test lets them go, though what was added is on disk. */
export class SlowQueue extends SqliteQueue {
  #answered = Promise.resolve()
  answer: () => void = () => {}

  hold(): void {
    this.#answered = new Promise((resolve) => (this.answer = resolve))
  }

  override async add(...given: Parameters<SqliteQueue['add']>): Promise<void> {
    const answered = this.#answered
    await super.add(...given)
    await answered
  }
}
