import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** What an attempt tells of itself: it begins, then it ends or it fails. */
export type Verb = 'begin' | 'end' | 'fail'

/** One line of the journal; where it stands in it is when it happened, for all threads append to the same file. */
export interface JournalLine {
  verb: Verb
  id: string
  attempt: number
  /** Which task of which request it is. */
  marker: string
  pid: number
  /** Milliseconds since 1970. */
  at: number
}

/** The journal as it was read. */
export interface Journal {
  lines: JournalLine[]
  /** Lines that a kill cut short. */
  torn: number
}

const form = /^(begin|end|fail) (\S+) (\d+) (\S+) (\d+) (\d+) \.$/

/** Appends lines, each with one write, so that the lines of several threads never mix. */
export class JournalWriter {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  write(verb: Verb, id: string, attempt: number, marker: string): void {
    // The kernel may cut a write of a killed process at a page: the next line must not grow from what is left.
    writeSync(this.#file, `\n${verb} ${id} ${attempt} ${marker} ${process.pid} ${Date.now()} .\n`)
  }
}

/** What the attempts have told so far. */
export async function readJournal(path: string): Promise<Journal> {
  return parseJournal(await readFile(path, 'utf8'))
}

export function parseJournal(text: string): Journal {
  const lines: JournalLine[] = []
  let torn = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, verb, id, attempt, marker, pid, at] = form.exec(line) ?? []
    if (verb === undefined) torn++
    else
      lines.push({
        verb: verb as Verb,
        id: id!,
        attempt: Number(attempt),
        marker: marker!,
        pid: Number(pid),
        at: Number(at),
      })
  }
  return { lines, torn }
}

/** The tasks whose last attempt began and was cut. */
export function cutAttempts(lines: readonly JournalLine[]): Set<string> {
  const open = new Set<string>()
  for (const { verb, id } of lines) {
    if (verb === 'begin') open.add(id)
    else open.delete(id)
  }
  return open
}
