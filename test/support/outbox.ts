import { mkdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Lines as they go over the wire. */
export function source(...lines: string[]): string {
  return lines.join('\r\n')
}

/** Puts a message file into the outbox of a data folder, whole at once, written at `seconds` since 1970. */
export async function putMessage(
  data: string,
  id: string,
  content: string | Uint8Array,
  seconds = 1_700_000_000,
): Promise<void> {
  const path = join(data, 'outbox', `${id}.eml`)
  await mkdir(join(data, 'outbox'), { recursive: true })
  await writeFile(`${path}.tmp`, content)
  await utimes(`${path}.tmp`, seconds, seconds)
  await rename(`${path}.tmp`, path)
}

/** A small message with this subject. */
export function letter(subject: string, text = 'Hello'): string {
  return source('From: Shop <shop@example.com>', 'To: ann@example.org', `Subject: ${subject}`, '', text)
}
