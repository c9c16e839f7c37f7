import type { FileHandle } from 'node:fs/promises'
import type { Reading } from '../reading.ts'
import { ContentSample, isArchive, type ContentKind } from './content.ts'
import type { ListingSummary } from './entry.ts'
import { FindingList, type FindingsSummary } from './findings.ts'
import { readMemberHeader, type MemberHeader } from './member-header.ts'
import { inflateMember } from './member.ts'
import { shown } from './name.ts'
import { escapeOf } from './path.ts'
import { bombOf, ratioOf } from './ratio.ts'
import { TarListing } from './tar.ts'
import { readAt } from './window.ts'

/** A gzip file: one or several members (RFC 1952) whose contents are one file together. */
export interface GzipDescription extends FindingsSummary {
  format: 'gzip'
  /** What the file was called, at most 255 characters. */
  originalName?: string
  /** At most 1,000 characters. */
  comment?: string
  /** ISO 8601. */
  modifiedAt?: string
  members: number
  /** Bytes when unpacked, counted; if it is not complete, there are more. */
  size: number
  /** Bytes that were read for that. */
  compressedSize: number
  ratio?: number
  /** Whether all of it was inflated and its checksums are right. */
  complete: boolean
  /** What the first 64 kB of the content look like; without it, nothing is known of it. */
  content?: ContentKind
  /** Of a tar inside. */
  tar?: ListingSummary
}

const maxSize = 1024 ** 3
/** Deflate cannot do much better, and what anybody means to keep does not come near. */
const zerosSize = 10_000_000
const zerosRatio = 1000
const maxMembers = 20_000

/** Inflates a gzip file into nothing, up to 1 GiB; throws BROKEN_ARCHIVE for one that is cut or damaged. */
export async function readGzip(handle: FileHandle, reading: Reading): Promise<GzipDescription> {
  const { size } = await handle.stat()
  const reader = new GzipReader(handle, size, reading)
  try {
    await reader.read()
  } finally {
    reader.close()
  }
  return reader.describe()
}

class GzipReader {
  readonly #handle: FileHandle
  readonly #fileSize: number
  readonly #reading: Reading
  readonly #findings = new FindingList()
  readonly #sample = new ContentSample()
  #first: MemberHeader | undefined
  #members = 0
  #size = 0
  #position = 0
  #complete = true
  #content: ContentKind | undefined
  #tar: TarListing | undefined

  constructor(handle: FileHandle, fileSize: number, reading: Reading) {
    this.#handle = handle
    this.#fileSize = fileSize
    this.#reading = reading
  }

  async read(): Promise<void> {
    do {
      await this.#readMember()
      if (this.#members >= maxMembers && (await this.#isMember())) {
        this.#complete = false
        this.#findings.add(
          'TOO_MANY_MEMBERS',
          `It has more than ${maxMembers} members; the rest was not read.`,
        )
      }
    } while (this.#complete && (await this.#isMember()))
    if (this.#complete) await this.#checkTrailing()
    await this.#decide()
    if (this.#complete) this.#tar?.end()
  }

  close(): void {
    this.#tar?.close()
  }

  describe(): GzipDescription {
    const { name, comment, modifiedAt } = this.#first ?? {}
    return {
      format: 'gzip',
      ...(name !== undefined && { originalName: shown(name, 255) }),
      ...(comment !== undefined && { comment: shown(comment, 1000) }),
      ...(modifiedAt !== undefined && { modifiedAt }),
      members: this.#members,
      size: this.#size,
      compressedSize: this.#position,
      ...ratioOf(this.#size, this.#position),
      complete: this.#complete,
      ...(this.#content !== undefined && { content: this.#content }),
      ...(this.#tar !== undefined && { tar: this.#tar.summary() }),
      ...this.#findings.summary(),
    }
  }

  async #readMember(): Promise<void> {
    const header = await readMemberHeader(this.#handle, this.#position)
    this.#members++
    if (this.#first === undefined) {
      this.#first = header
      const escape = header.name === undefined ? undefined : escapeOf(header.name)
      if (escape !== undefined) {
        const message = `The original name leads out of the folder that it is unpacked into: ${escape}.`
        this.#findings.add('TRAVERSAL', message)
      }
    }
    const start = this.#position
    const member = await inflateMember(
      this.#handle,
      start + header.length,
      this.#fileSize,
      async (chunk, read) => {
        this.#position = start + header.length + read
        return this.#take(chunk)
      },
    )
    if (member === undefined) {
      this.#complete = false
      return
    }
    this.#position = start + header.length + member.length
  }

  /** @returns whether to go on */
  async #take(chunk: Buffer): Promise<boolean> {
    const { signal, progress } = this.#reading
    signal.throwIfAborted()
    this.#size += chunk.length
    progress(this.#position / this.#fileSize, 'inflating')
    const ratio = this.#size / this.#position
    if ((this.#size > zerosSize && ratio > zerosRatio) || bombOf(this.#size, this.#position) !== undefined) {
      const message = `Unpacked, it is at least ${this.#size} bytes, ${Math.floor(ratio)} times as large.`
      this.#findings.add('BOMB', message)
      return false
    }
    if (this.#tar !== undefined) await this.#tar.write(chunk)
    else if (this.#sample.add(chunk)) await this.#decide()
    if (this.#size < maxSize) return true
    this.#findings.add('UNREAD', `It was inflated up to ${maxSize} bytes only, and there are more.`)
    return false
  }

  /** Says what the content is as soon as enough of it is there, and from then on lists it if it is a tar. */
  async #decide(): Promise<void> {
    if (this.#sample.decided) return
    const content = await this.#sample.decide(this.#complete)
    if (content === undefined) return
    this.#content = content
    if (content.extension === 'tar') {
      this.#tar = new TarListing(this.#findings)
      await this.#tar.write(this.#sample.bytes)
    } else if (isArchive(content)) {
      this.#findings.add('NESTED', `It holds another archive (${content.extension}), which was not opened.`)
    }
  }

  async #isMember(): Promise<boolean> {
    const start = await readAt(this.#handle, this.#position, 2)
    return start.length === 2 && start.readUInt16BE(0) === 0x1f8b
  }

  /** Zeros after the end are what a tape's blocks are filled with. */
  async #checkTrailing(): Promise<void> {
    const rest = this.#fileSize - this.#position
    const start = await readAt(this.#handle, this.#position, Math.min(rest, 1024 * 1024))
    if (start.some((byte) => byte !== 0)) {
      this.#findings.add('TRAILING', `${rest} bytes lie after the end of the data.`)
    }
  }
}
