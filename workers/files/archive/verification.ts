import { crc32 } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import type { ArchiveEntry, EntryType, Listing } from './entry.ts'
import type { FindingList, FindingSubject } from './findings.ts'
import type { Names } from './names.ts'

/** How much of an archive was inflated, into nothing, to see whether it is what the archive says. */
export interface Verified {
  entries: number
  /** Bytes that came out. */
  bytes: number
  /** Whether that is every file of the archive. */
  complete: boolean
  /** Entries that are damaged or lie; the findings name the first of them. */
  bad: number
}

interface Candidate {
  entry: Entry
  subject: FindingSubject
  type: EntryType
  listed: ArchiveEntry | undefined
}

/** Fixed amounts instead of time, so that the same archive always gives the same result. */
const maxBytes = 256 * 1024 * 1024
const maxCandidates = 2000
/** Longer targets no file system takes. */
const maxTarget = 4096

/** Inflates the first entries that fit into a budget: at most 2,000 entries, and 256 MiB on either side. */
export class Verification {
  readonly #zip: ZipFile
  readonly #listing: Listing
  readonly #findings: FindingList
  readonly #names: Names
  readonly #candidates: Candidate[] = []
  #planned = 0
  #passedOver = 0
  #entries = 0
  #bytes = 0
  #bad = 0

  constructor(zip: ZipFile, listing: Listing, findings: FindingList, names: Names) {
    this.#zip = zip
    this.#listing = listing
    this.#findings = findings
    this.#names = names
  }

  /** Plans to verify an entry if there is room for it. */
  add(entry: Entry, subject: FindingSubject, type: EntryType, listed: ArchiveEntry | undefined): void {
    if (type === 'folder' && entry.uncompressedSize === 0) return
    const cost = Math.max(entry.compressedSize, entry.uncompressedSize)
    const isLink = type === 'symlink'
    if (!entry.canDecodeFileData() || (isLink && cost > maxTarget)) {
      this.#passedOver++
      // A link that nobody can look at may point anywhere.
      if (isLink) this.#findings.add('SYMLINK', 'The link cannot be read.', subject)
      return
    }
    if (this.#candidates.length >= maxCandidates || this.#planned + cost > maxBytes) {
      this.#passedOver++
      if (isLink) this.#findings.add('SYMLINK', 'The link was not looked at, after so many entries.', subject)
      return
    }
    this.#planned += cost
    // Up to 192 kB each, which are not needed any more.
    const none = Buffer.alloc(0)
    Object.assign(entry, { fileNameRaw: none, extraFieldRaw: none, fileCommentRaw: none, extraFields: [] })
    Object.assign(entry, { fileName: none, fileComment: none, comment: none })
    this.#candidates.push({
      entry,
      subject: { ...subject, name: subject.name.slice(0, maxTarget) },
      type,
      listed,
    })
  }

  /** Counts an entry that is not looked at, or cannot be: its data are not there. */
  passOver(isBad: boolean): void {
    this.#passedOver++
    if (isBad) this.#bad++
  }

  async run(signal: AbortSignal, progress: (fraction: number) => void): Promise<void> {
    for (const candidate of this.#candidates) {
      signal.throwIfAborted()
      await this.#verify(candidate, signal)
      this.#entries++
      if (this.#entries % 20 === 0) progress(this.#entries / this.#candidates.length)
    }
  }

  summary(): Verified {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      complete: this.#passedOver === 0,
      bad: this.#bad,
    }
  }

  async #verify(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { entry, subject, type } = candidate
    const size = entry.uncompressedSize
    let [bytes, crc] = [0, 0]
    let head: Buffer = Buffer.alloc(0)
    let problem: string | undefined
    try {
      for await (const chunk of (await this.#zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
        signal.throwIfAborted()
        if (head.length < maxTarget) head = Buffer.concat([head, chunk.subarray(0, maxTarget)])
        bytes += chunk.length
        crc = crc32(chunk, crc)
        // Whatever else there is, it is not what the archive declares; a bomb ends here.
        if (bytes > size) break
      }
    } catch (error) {
      signal.throwIfAborted()
      if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error
      problem = 'Its compressed data are damaged.'
    }
    this.#bytes += bytes
    if (problem === undefined && bytes === size && crc !== entry.crc32) problem = 'Its checksum is wrong.'
    if (bytes !== size && problem === undefined) {
      const got = bytes > size ? 'more' : `${bytes}`
      this.#findings.add('LYING_SIZE', `It declares ${size} bytes, and has ${got}.`, subject)
    }
    if (problem !== undefined) this.#findings.add('CORRUPT', problem, subject)
    if (problem !== undefined || bytes !== size) this.#bad++
    if (type === 'file') this.#names.checkContent(subject, head)
    if (type === 'symlink') this.#readTarget(candidate, head)
  }

  #readTarget({ subject, listed }: Candidate, data: Buffer): void {
    const target = data.toString()
    if (listed !== undefined) this.#listing.retarget(listed, target)
    this.#names.checkLink(subject, target, 'symlink')
  }
}
