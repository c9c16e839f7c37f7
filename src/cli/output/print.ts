import { once } from 'node:events'
import { unprintable } from '../../core/printable.ts'

/** Ends the process quietly once nobody reads what it says, as `| head` does. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
  }
}

/** Writes to standard output, as fast as it is read. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** Tells a person what is no part of the answer. */
export function tell(line: string): void {
  process.stderr.write(`afterwork: ${line}\n`)
}

/** JSON that is safe on a terminal, too: what JSON leaves as it is and a terminal may heed is escaped. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent)
  return text.replace(unprintable, (character) => {
    // The line breaks of the indentation; those within texts are escaped already.
    if (character === '\n') return character
    return character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  })
}

/** Columns of the terminal; undefined where standard output is none. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns || 80 : undefined
}
