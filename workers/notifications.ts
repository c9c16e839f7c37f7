import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Appends a line to `notifications.log` in the data folder; control characters are written as \uXXXX. */
export async function write(line: string): Promise<void> {
  const visible = line.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  await appendFile(join(process.env['AFTERWORK_DATA'] ?? 'data', 'notifications.log'), `${visible}\n`)
}
