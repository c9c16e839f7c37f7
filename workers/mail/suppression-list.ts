import { statSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** An address that a server said does not exist. */
export interface Suppression {
  address: string
  /** ISO 8601. */
  at: string
  /** What the server said. */
  reason: string
}

/** Addresses that are remembered; past them no new ones are. */
const most = 100_000
/** Bytes that are read at a time, so that a long list holds nobody up. */
const chunk = 64 * 1024

/**
 * The addresses that get no mail any more, in DATA/suppressed.jsonl: a line each, which is appended when a server says
 * that there is no such mailbox. A line that is removed by hand is forgotten at the next look; one may be a bare address,
 * too. Every thread, and the service, has its own view of the file, and reads what is new when it has changed.
 */
export class SuppressionList {
  readonly #file: string
  readonly #reasons = new Map<string, string>()
  /** What was read of which version of the file. */
  #read = { file: 0, bytes: 0, changed: 0 }
  #reading: Promise<void> | undefined

  constructor(data: string) {
    this.#file = join(data, 'suppressed.jsonl')
  }

  /** Why an address gets no mail; undefined where it does. Throws the system's error if the file cannot be read. */
  async reason(address: string): Promise<string | undefined> {
    await this.#refresh()
    return this.#reasons.get(keyOf(address))
  }

  /** Remembers an address for good; one that is known, or one too many, is passed over. */
  async add(suppression: Suppression): Promise<void> {
    await this.#refresh()
    if (this.#reasons.has(keyOf(suppression.address)) || this.#reasons.size >= most) return
    const file = await open(this.#file, 'a+')
    try {
      // A crash may have cut the last line short.
      const begin = (await endsLine(file)) ? '' : '\n'
      await file.appendFile(`${begin}${JSON.stringify(suppression)}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** One reading at a time; whoever comes meanwhile waits for it and looks again. */
  async #refresh(): Promise<void> {
    while (this.#reading !== undefined) await this.#reading
    const stat = statSync(this.#file, { throwIfNoEntry: false })
    if (stat === undefined) return this.#forget()
    const { ino: file, size, mtimeMs: changed } = stat
    if (file === this.#read.file && changed === this.#read.changed && size === this.#read.bytes) return
    // Lines are appended; a file that has not grown was edited.
    if (file !== this.#read.file || size <= this.#read.bytes) this.#forget()
    this.#reading = this.#readOn({ file, changed }).finally(() => (this.#reading = undefined))
    await this.#reading
  }

  #forget(): void {
    this.#reasons.clear()
    this.#read = { file: 0, bytes: 0, changed: 0 }
  }

  async #readOn(version: { file: number; changed: number }): Promise<void> {
    const file = await open(this.#file)
    try {
      let rest = ''
      for (let { bytes } = this.#read; ;) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(chunk), 0, chunk, bytes)
        if (bytesRead === 0) break
        bytes += bytesRead
        const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
        rest = lines.pop()!
        for (const line of lines) this.#take(line)
        // What is not a whole line yet is read again.
        this.#read = { ...version, bytes: bytes - rest.length }
      }
    } finally {
      await file.close()
    }
  }

  #take(line: string): void {
    const { address, reason } = parse(Buffer.from(line, 'latin1').toString().trim())
    if (address !== '' && this.#reasons.size < most) this.#reasons.set(keyOf(address), reason)
  }
}

/** Mailboxes that differ in case only are one, as they are with nearly every server. */
function keyOf(address: string): string {
  return address.toLowerCase()
}

function parse(line: string): { address: string; reason: string } {
  if (!line.startsWith('{')) return { address: line.includes('@') ? line : '', reason: 'by hand' }
  try {
    const { address, reason } = JSON.parse(line) as Partial<Suppression>
    return { address: String(address ?? ''), reason: String(reason ?? '') }
  } catch {
    return { address: '', reason: '' }
  }
}

async function endsLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return true
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === 10
}
