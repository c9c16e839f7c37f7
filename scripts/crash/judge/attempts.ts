import type { JournalLine } from '../journal.ts'
import type { Kill } from '../lives.ts'

/** A line with its place in the journal. */
export interface PlacedLine extends JournalLine {
  place: number
}

/** One attempt of a task, from its begin to its end. */
export interface Attempt {
  begin: PlacedLine
  /** Undefined where it told of none. */
  end: PlacedLine | undefined
  /** Its process was killed in its middle. */
  isCut: boolean
  /** The task was given to another process while this one still had it: it was away from the database for too long. */
  isOvertaken: boolean
  /** The next attempt of the task. */
  next: Attempt | undefined
}

/** The attempts of which a journal tells, in the order in which they began. */
export function attemptsIn(lines: readonly PlacedLine[], kills: readonly Kill[]): Attempt[] {
  const killed = new Set(kills.map(({ pid }) => pid))
  const attempts: Attempt[] = []
  for (const own of Map.groupBy(lines, ({ id }) => id).values()) attempts.push(...attemptsOf(own, killed))
  return attempts.sort((a, b) => a.begin.place - b.begin.place)
}

function attemptsOf(lines: readonly PlacedLine[], killed: ReadonlySet<number>): Attempt[] {
  const attempts: Attempt[] = []
  const open = new Map<number, Attempt>()
  for (const line of lines) {
    if (line.verb === 'begin') {
      const attempt = { begin: line, end: undefined, isCut: false, isOvertaken: false, next: undefined }
      const before = attempts.at(-1)
      if (before !== undefined) before.next = attempt
      attempts.push(attempt)
      open.set(line.pid, attempt)
    } else {
      const attempt = open.get(line.pid)
      if (attempt !== undefined) attempt.end = line
      open.delete(line.pid)
    }
  }
  for (const attempt of attempts) {
    const { begin, end, next } = attempt
    attempt.isCut = end === undefined && killed.has(begin.pid)
    attempt.isOvertaken = next !== undefined && !attempt.isCut && (end?.place ?? Infinity) > next.begin.place
  }
  return attempts
}
