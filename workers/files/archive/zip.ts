import { setImmediate } from 'node:timers/promises'
import type { FileHandle } from 'node:fs/promises'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { fileError } from '../error.ts'
import type { Reading } from '../reading.ts'
import { bombOf, ratioOf } from './ratio.ts'
import { documentOf, isDocumentPart, type ZippedDocument } from './document.ts'
import { endOfZip, type EndOfZip } from './end-of-zip.ts'
import { checkCount, Listing, type ListingSummary } from './entry.ts'
import { FindingList, type FindingsSummary } from './findings.ts'
import { compareHeaders } from './local-header.ts'
import { Names } from './names.ts'
import { Ranges } from './ranges.ts'
import { Verification, type Verified } from './verification.ts'
import { FileWindow } from './window.ts'
import { commentOf, describeEntry, methodOf, nameOf, typeOf } from './zip-entry.ts'

/** A ZIP archive, or a document that is one inside: what its directory says, and what of that was checked. */
export interface ZipDescription extends ListingSummary, FindingsSummary {
  format: 'zip'
  /** Bytes of all entries as they are in the archive. */
  compressedSize: number
  /** Unpacked to packed size, such as 3.27; without it there is nothing packed. */
  ratio?: number
  /** At most 1,000 characters. */
  comment?: string
  /** Entries that need a password. */
  encrypted: number
  /** Whether it has the end record of archives beyond 4 GB or 65,535 entries. */
  zip64: boolean
  /** Of a Word file, a spreadsheet, an e-book and the like. */
  document?: ZippedDocument
  verified: Verified
}

/** Beyond these, only the directory is read of an entry. */
const maxHeaders = 100_000
const manyEntries = 100_000
/** Entries that may say something of a document; a sound one has at most six. */
const maxParts = 50

/** Reads a ZIP archive; throws BROKEN_ARCHIVE, UNSUPPORTED_ARCHIVE or ARCHIVE_TOO_LARGE. */
export async function readZip(handle: FileHandle, reading: Reading): Promise<ZipDescription> {
  const { size } = await handle.stat()
  const file = new FileWindow(handle, 0, size)
  const start = await file.bytes(0, 4)
  const end = await endOfZip(file)
  checkCount(end.entries)
  const window = new FileWindow(handle, end.start, end.end - end.start)
  const zip = await openZip(window)
  try {
    return await new ZipReader(zip, end, { size, start }, reading).read()
  } finally {
    zip.close()
  }
}

/** Names are decoded, and sizes compared, by us: yauzl would give up the archive for one wrong entry. */
async function openZip(window: FileWindow): Promise<ZipFile> {
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false, lazyEntries: true }
  const zip = await yauzl.fromRandomAccessReaderPromise(window, window.size, options).catch(rethrow(0))
  // After the last entry nobody listens, and an error that nobody hears would end the thread.
  return zip.on('error', () => {})
}

function rethrow(entries: number): (cause: Error) => never {
  return (cause) => {
    if (/strong encryption|multi-disk/.test(cause.message)) {
      const got = cause.message.startsWith('multi') ? 'one of several parts' : 'one with strong encryption'
      throw fileError('UNSUPPORTED_ARCHIVE', `Expected a ZIP archive that can be listed, got ${got}`, cause)
    }
    const where = `one whose directory is broken after ${entries} entries`
    throw fileError('BROKEN_ARCHIVE', `Expected a whole ZIP archive, got ${where}`, cause)
  }
}

interface FileStart {
  size: number
  /** Its first four bytes. */
  start: Buffer
}

/** One pass over the directory, then one over the data of what fits into the budget. */
class ZipReader {
  readonly #zip: ZipFile
  readonly #end: EndOfZip
  readonly #fileSize: number
  /** As those programs see it that read archives from the front. */
  readonly #beginsAsZip: boolean
  readonly #reading: Reading
  readonly #listing = new Listing()
  readonly #findings = new FindingList()
  readonly #names = new Names(this.#findings, 'zip')
  readonly #ranges = new Ranges()
  readonly #verification: Verification
  readonly #parts = new Map<string, Entry>()
  #compressedSize = 0
  #encrypted = 0

  constructor(zip: ZipFile, end: EndOfZip, file: FileStart, reading: Reading) {
    this.#zip = zip
    this.#end = end
    this.#fileSize = file.size
    this.#beginsAsZip = file.start.toString('latin1') === 'PK\x03\x04'
    this.#reading = reading
    this.#verification = new Verification(zip, this.#listing, this.#findings, this.#names)
  }

  async read(): Promise<ZipDescription> {
    const { signal, progress } = this.#reading
    await this.#readDirectory()
    this.#checkWhole()
    await this.#verification.run(signal, (fraction) => progress(0.4 + 0.6 * fraction, 'verifying entries'))
    const document = await documentOf(this.#zip, this.#parts)
    signal.throwIfAborted()
    return this.#describe(document)
  }

  async #readDirectory(): Promise<void> {
    const { signal, progress } = this.#reading
    const entries = this.#zip.eachEntry()
    for (let index = 0; ; index++) {
      const next = await entries.next().catch(rethrow(index))
      if (next.done === true) break
      await this.#readEntry(next.value, index)
      if (index % 500 === 499) {
        progress((0.4 * (index + 1)) / this.#end.entries, `entry ${index + 1} of ${this.#end.entries}`)
        await setImmediate()
        signal.throwIfAborted()
      }
    }
  }

  async #readEntry(entry: Entry, index: number): Promise<void> {
    const { name, aliases, valid } = nameOf(entry)
    const type = typeOf(entry, name)
    const subject = { entry: index, name }
    const { compressedSize, uncompressedSize: size } = entry
    const listed = this.#listing.add(describeEntry(entry, name, type))
    this.#compressedSize += compressedSize
    this.#names.check(subject, type, aliases)
    if (!valid) this.#findings.add('NAME_ENCODING', 'The name claims to be UTF-8, and is not.', subject)
    if (entry.isEncrypted()) {
      this.#encrypted++
      this.#findings.add('ENCRYPTED', 'It needs a password, and was not verified.', subject)
    }
    if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
      const message = `It is compressed by ${methodOf(entry)}, and was not verified.`
      this.#findings.add('UNSUPPORTED_METHOD', message, subject)
    }
    const bomb = bombOf(size, compressedSize)
    if (bomb !== undefined) this.#findings.add('BOMB', `Unpacked, it is ${bomb}.`, subject)

    const start = entry.relativeOffsetOfLocalHeader
    const isCompared = index < maxHeaders
    const data = isCompared ? await compareHeaders(this.#zip, entry, subject, this.#findings) : undefined
    const least = start + 30 + entry.fileNameLength
    this.#ranges.add(start, (data ?? least) + compressedSize)

    const isPart = isDocumentPart(name) && !this.#parts.has(name) && this.#parts.size < maxParts
    if (isPart && entry.canDecodeFileData()) this.#parts.set(name, entry)
    if (data === undefined) this.#verification.passOver(isCompared)
    else this.#verification.add(entry, subject, type, listed)
  }

  #checkWhole(): void {
    const { start, end, directory, directorySize, entries } = this.#end
    if (entries > manyEntries) {
      this.#findings.add('TOO_MANY_ENTRIES', `It has ${entries} entries, which takes long to unpack.`)
    }
    const bomb = bombOf(this.#listing.size, this.#compressedSize)
    if (bomb !== undefined) this.#findings.add('BOMB', `Unpacked, it is ${bomb}.`)
    for (const entry of this.#ranges.overlaps(directory)) {
      const message = 'Its data are shared with another entry, or with the directory of the archive.'
      this.#findings.add('OVERLAP', message, { entry, name: this.#listing.nameOf(entry) })
    }
    const rest = directory + directorySize - Number(this.#zip.readEntryCursor)
    if (rest >= 46) {
      this.#findings.add('LYING_COUNT', `It says that it has ${entries} entries, but its directory goes on.`)
    }
    const before = start + this.#ranges.first
    if (before > 0 && this.#ranges.first <= directory) {
      const message = this.#beginsAsZip
        ? `${before} bytes lie before the archive, which begin as another archive: some programs see that one.`
        : `${before} bytes lie before the archive, such as a program that unpacks it.`
      this.#findings.add('PREFIX', message, undefined, this.#beginsAsZip)
    }
    if (this.#fileSize > end) {
      this.#findings.add('TRAILING', `${this.#fileSize - end} bytes lie after the archive.`)
    }
  }

  #describe(document: ZippedDocument | undefined): ZipDescription {
    const comment = commentOf(this.#zip)
    return {
      format: 'zip',
      ...this.#listing.summary(),
      compressedSize: this.#compressedSize,
      ...ratioOf(this.#listing.size, this.#compressedSize),
      ...(comment !== '' && { comment }),
      encrypted: this.#encrypted,
      zip64: this.#end.zip64,
      ...(document !== undefined && { document }),
      verified: this.#verification.summary(),
      ...this.#findings.summary(),
    }
  }
}
