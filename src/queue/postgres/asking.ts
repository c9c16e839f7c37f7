import { setTimeout as wait } from 'node:timers/promises'
import { AfterworkError } from '../../core/errors.ts'
import { isUnknown, isUnsent } from './database.ts'
import type { Member } from './member.ts'
import { leaseSeconds } from './schema.ts'
import type { Doubt, Undoing } from './undoing.ts'

/**
 * How long after it was asked for something may be stored, in milliseconds. Less than it takes to call a process dead, or tasks
 * could be held by nobody.
 */
const life = leaseSeconds * 1_000
/**
 * How long until what was lost with its connection is asked again, in milliseconds: they often break together, and by then those
 * that are idle are seen to have.
 */
const soon = 250

/** What the database said. */
export interface Answer {
  /** What is in the way, if anything. */
  refused: string | null
  /** What is refused may have been stored all the same, when it was asked for before. */
  doubt: boolean
}

/**
 * Asks the database to store something, once more where the connection was lost: asking twice is the same as asking once.
 * Whoever is told that it was not stored can rely on that (see Undoing), unless no response holds it: then it may have begun.
 */
export class Asking {
  readonly #member: Member
  readonly #undoing: Undoing
  /** Failures after which something may have been stored all the same. */
  readonly #doubtful = new WeakSet<object>()
  /** What was asked for so far is stored until then or never, by the clock of the database. */
  #until = 0

  constructor(member: Member, undoing: Undoing) {
    this.#member = member
    this.#undoing = undoing
  }

  /**
   * `question` gives what is in the way: nothing of it may be stored after `until`, by the clock of the database.
   * @throws AFTERWORK_QUEUE_FAILED where it came too late; its own errors
   */
  async ask(question: (until: number) => Promise<string | null>): Promise<Answer> {
    try {
      return { refused: await this.#inTime(question), doubt: false }
    } catch (first) {
      if (!isUnknown(first)) throw first
      const sent = !isUnsent(first)
      await wait(soon)
      try {
        return { refused: await this.#inTime(question), doubt: sent }
      } catch (second) {
        // What is not known of the first is not known of both.
        const error = isUnsent(second) ? first : second
        if (sent || (isUnknown(second) && !isUnsent(second))) this.doubt(error)
        throw error
      }
    }
  }

  /** After this failure something may have been stored. */
  doubt(error: unknown): void {
    this.#doubtful.add(error as object)
  }

  /** Somebody is told by this error that it was not stored: so it is, from now on. */
  failed(error: unknown, what: Omit<Doubt, 'until'>): void {
    if (this.#doubtful.has(error as object)) this.#undoing.undo({ ...what, until: this.#until })
  }

  stop(): Promise<void> {
    return this.#undoing.stop()
  }

  async #inTime(question: (until: number) => Promise<string | null>): Promise<string | null> {
    let refused = await question(this.#later())
    // It was held up for too long, and now the way is free.
    if (refused === 'late') refused = await question(this.#later())
    if (refused !== 'late') return refused
    const message = `The tasks came too late to be stored, more than ${life} ms after they were added, or this process was taken for dead; try again later`
    throw new AfterworkError('AFTERWORK_QUEUE_FAILED', message)
  }

  #later(): number {
    const until = this.#member.there(this.#member.clock()) + life
    this.#until = Math.max(this.#until, until)
    return until
  }
}
