import { openSync, writeSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

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

/** How often is looked for more lines, in milliseconds. */
const interval = 3

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

/** The tasks whose last attempt began in one of the processes that were killed, and was cut. */
export function cutAttempts(lines: readonly JournalLine[], killed: ReadonlySet<number>): Set<string> {
  const open = new Set<string>()
  for (const { verb, id, pid } of lines) {
    if (verb === 'begin' && killed.has(pid)) open.add(id)
    else open.delete(id)
  }
  return open
}

/** Resolves with the first line that is wanted of those that come; undefined after so many milliseconds. */
export async function nextLine(
  path: string,
  wanted: (line: JournalLine) => boolean,
  patience: number,
): Promise<JournalLine | undefined> {
  const file = await open(path)
  try {
    let { size: place } = await file.stat()
    const buffer = Buffer.alloc(65_536)
    for (const end = performance.now() + patience; performance.now() < end;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, place)
      const text = buffer.toString('latin1', 0, bytesRead)
      // What is there only in part is read again.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      place += whole.length
      const found = parseJournal(whole).lines.find(wanted)
      if (found !== undefined) return found
      if (bytesRead < buffer.length) await wait(interval)
    }
    return undefined
  } finally {
    await file.close()
  }
}
