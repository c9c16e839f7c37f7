import type { FileHandle } from 'node:fs/promises'
import { TaskError } from 'afterwork/worker'
import { extract, type Header as TarHeader } from 'tar-stream'
import { fileError } from '../error.ts'
import type { Reading } from '../reading.ts'
import { Listing, modified, type ArchiveEntry, type EntryType, type ListingSummary } from './entry.ts'
import { FindingList, type FindingsSummary } from './findings.ts'
import { Names } from './names.ts'
import { chunksOf } from './window.ts'

/** A tar archive. */
export interface TarDescription extends ListingSummary, FindingsSummary {
  format: 'tar'
}

const blockSize = 512
/** Bytes of a long name or of pax records; the usual ones have less than one. */
const maxHeaderData = 64 * 1024
/** Bytes of such headers before one entry, themselves included: each takes what global records hold once more. */
const maxHeadersOfEntry = 4 * maxHeaderData
/** What global records hold is copied for every entry: so many of them are not read on. */
const maxRecords = 1000

/** Old tars have no magic number; and a water mark of one says after each piece when it has been read. */
const options = { allowUnknownFormat: true, highWaterMark: 1 }

const types: Record<string, EntryType> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'symlink',
  link: 'hardlink',
  'character-device': 'device',
  'block-device': 'device',
  fifo: 'pipe',
}

/** Reads a tar archive; throws BROKEN_ARCHIVE or ARCHIVE_TOO_LARGE. */
export async function readTar(handle: FileHandle, { signal, progress }: Reading): Promise<TarDescription> {
  const { size } = await handle.stat()
  const findings = new FindingList()
  const listing = new TarListing(findings)
  try {
    let read = 0
    for await (const chunk of chunksOf(handle, 0, size)) {
      signal.throwIfAborted()
      await listing.write(chunk)
      read += chunk.length
      progress(read / size, `entry ${listing.entries}`)
    }
    listing.end()
  } finally {
    listing.close()
  }
  return { format: 'tar', ...listing.summary(), ...findings.summary() }
}

/**
 * Lists a tar archive that comes in chunks. tar-stream decodes the headers; where they are, and where the archive ends, is
 * found here, so that hostile headers stay small and bytes after the end are no broken entry.
 */
export class TarListing {
  readonly #extract = extract(options)
  readonly #findings: FindingList
  readonly #names: Names
  readonly #listing = new Listing()
  /** Of a header that a chunk had only half of. */
  readonly #block = Buffer.alloc(blockSize)
  #filled = 0
  /** Bytes until the next header. */
  #data = 0
  /** Bytes of long names and records before the next entry. */
  #headers = 0
  #zeros = 0
  #inSparseMap = false
  /** Of the entry whose header comes next. */
  #sparseSize: number | undefined
  #trailing = 0
  #error: unknown
  #drained: () => void = () => {}

  constructor(findings: FindingList) {
    this.#findings = findings
    this.#names = new Names(findings, 'tar')
    this.#extract.on('drain', () => this.#drained())
    this.#extract.on('close', () => this.#drained())
    this.#extract.on('error', (error: Error) => {
      this.#error ??= error
    })
    this.#extract.on('entry', (decoded, stream, next) => {
      const header = decoded as Header
      stream.on('error', () => {})
      stream.once('data', (head) => this.#checkContent(header, head as Buffer))
      stream.resume()
      // What is thrown here would have no one to catch it.
      try {
        this.#readEntry(header)
      } catch (error) {
        this.#error = error
      }
      next()
    })
  }

  get entries(): number {
    return this.#listing.count
  }

  summary(): ListingSummary {
    return this.#listing.summary()
  }

  /** Takes the next bytes; throws BROKEN_ARCHIVE or ARCHIVE_TOO_LARGE. */
  async write(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#zeros >= 2) {
        this.#countTrailing(chunk.subarray(at))
        return
      }
      if (this.#data > 0 && !this.#inSparseMap) {
        const piece = chunk.subarray(at, at + this.#data)
        this.#data -= piece.length
        at += piece.length
        await this.#feed(piece)
      } else {
        const copied = chunk.copy(this.#block, this.#filled, at)
        this.#filled += copied
        at += copied
        if (this.#filled === blockSize) await this.#readHeader()
      }
    }
  }

  /** After the last bytes; throws BROKEN_ARCHIVE if some are missing. */
  end(): void {
    if (this.#zeros >= 2) {
      if (this.#trailing > 0) {
        this.#findings.add('TRAILING', `${this.#trailing} bytes lie after the end mark of the archive.`)
      }
      return
    }
    if (this.#data > 0 || this.#filled > 0) throw this.#broken('one that is cut')
    if (this.#zeros === 0) this.#findings.add('NO_END', 'The end mark is missing: the archive may be cut.')
  }

  /** Frees what is held; also needed after an error. */
  close(): void {
    this.#extract.destroy()
  }

  async #readHeader(): Promise<void> {
    this.#filled = 0
    if (this.#inSparseMap) {
      this.#inSparseMap = this.#block[504] !== 0
      return
    }
    if (this.#block.every((byte) => byte === 0)) {
      this.#zeros++
      return
    }
    this.#zeros = 0
    const type = String.fromCharCode(this.#block[156]!)
    // A sparse file of old GNU tar, whose map goes on in further blocks; tar-stream does not know of these.
    if (type === 'S') {
      this.#sparseSize = octal(this.#block.subarray(483, 495))
      this.#inSparseMap = this.#block[482] !== 0
    }
    // What these types hold (POSIX.1-2001 pax and GNU tar) is decoded at once, and kept for the next entry.
    if ('xgKLN'.includes(type)) {
      const size = octal(this.#block.subarray(124, 136))
      if (!(size >= 0 && size <= maxHeaderData)) {
        throw this.#broken(`a header of more than ${maxHeaderData} bytes`)
      }
      this.#data = paddedSize(size)
      this.#headers += blockSize + this.#data
      if (this.#headers > maxHeadersOfEntry) {
        throw this.#broken(`headers of more than ${maxHeadersOfEntry} bytes for one entry`)
      }
    }
    await this.#feed(Buffer.from(this.#block))
  }

  async #feed(piece: Buffer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#drained = resolve
      if (this.#extract.destroyed || this.#extract.write(piece)) resolve()
    })
    if (this.#error instanceof TaskError) throw this.#error
    if (this.#error !== undefined) throw this.#broken('one that is damaged', this.#error)
  }

  #broken(got: string, cause?: unknown): TaskError {
    const message = `Expected a whole tar archive, got ${got} after ${this.entries} entries`
    return fileError('BROKEN_ARCHIVE', message, cause)
  }

  #countTrailing(rest: Buffer): void {
    let last = rest.length
    while (last > 0 && rest[last - 1] === 0) last--
    if (last > 0 || this.#trailing > 0) this.#trailing += rest.length
  }

  #readEntry(header: Header): void {
    const { name, size: packedSize } = nameAndSize(header)
    const subject = { entry: this.entries, name }
    const isSparse = this.#sparseSize !== undefined
    const type = isSparse ? 'file' : (types[header.type ?? ''] ?? 'other')
    // tar-stream makes -0 of some broken sizes, and octal() NaN.
    const size = (this.#sparseSize ?? packedSize) || 0
    this.#sparseSize = undefined
    const entry: ArchiveEntry = { name, type, size, ...modified(header.mtime) }
    const target = header.linkname
    if (typeof target === 'string' && (type === 'symlink' || type === 'hardlink')) {
      entry.target = target
      this.#names.checkLink(subject, target, type)
    }
    this.#listing.add(entry)
    this.#names.check(subject, type)
    if (Object.keys(header.pax ?? {}).length > maxRecords) {
      throw this.#broken(`more than ${maxRecords} records in a header`)
    }
    this.#headers = 0
    this.#data = header.type === 'directory' ? 0 : paddedSize(header.size)
  }

  #checkContent(header: Header, head: Buffer): void {
    this.#names.checkContent({ entry: this.entries - 1, name: nameAndSize(header).name }, head)
  }
}

/** A header with its pax records, of which the types of tar-stream know little. */
type Header = Omit<TarHeader, 'pax' | 'type' | 'linkname'> & {
  type: string | null
  linkname: string | null
  pax?: Record<string, string> | null
}

/** A sparse file has its true name and size in records of GNU tar's. */
function nameAndSize({ name, size, pax }: Header): { name: string; size: number } {
  const realSize = Number.parseInt(pax?.['GNU.sparse.realsize'] ?? '', 10)
  return { name: pax?.['GNU.sparse.name'] ?? name, size: realSize >= 0 ? realSize : size }
}

function octal(field: Buffer): number {
  return Number.parseInt(field.toString('latin1'), 8)
}

function paddedSize(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}
