import { fileError } from '../error.ts'
import { shown } from './name.ts'

/** What an entry of an archive is. */
export type EntryType = 'file' | 'folder' | 'symlink' | 'hardlink' | 'device' | 'pipe' | 'other'

/** An entry as the archive declares it. */
export interface ArchiveEntry {
  /** At most 255 characters; what would act on a terminal is replaced. */
  name: string
  type: EntryType
  /** Bytes when unpacked. */
  size: number
  /** Bytes in the archive; of a ZIP. */
  compressedSize?: number
  /** Such as `deflate`; of a ZIP. */
  method?: string
  /** ISO 8601; where the archive gives no time zone, as if it were UTC. */
  modifiedAt?: string
  /** Without it: no. */
  encrypted?: true
  /** CRC-32 as hexadecimal digits; of a ZIP. */
  crc?: string
  /** What a link points to, at most 255 characters. */
  target?: string
}

/** What a description says of an archive's entries. */
export interface ListingSummary {
  /** All that the archive has. */
  entries: number
  files: number
  folders: number
  /** Bytes of all entries when unpacked, as declared. */
  size: number
  /** The first of them: at most 1,000, and fewer when their names are long. */
  listing: ArchiveEntry[]
}

const maxListed = 1000
/** Bytes of names and targets, so that a result stays small whatever is in the archive. */
const maxListedBytes = 200_000
const maxEntries = 1_000_000
const maxName = 255

/** Counts entries, and keeps the first of them to be shown. */
export class Listing {
  readonly #listing: ArchiveEntry[] = []
  #room = maxListedBytes
  #files = 0
  #folders = 0
  #size = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get size(): number {
    return this.#size
  }

  /**
   * Takes the next entry; its name and target may be of any length.
   * @returns the entry as it is listed, or undefined when the list is full
   * @throws ARCHIVE_TOO_LARGE for entry 1,000,001
   */
  add(entry: ArchiveEntry): ArchiveEntry | undefined {
    checkCount(++this.#count)
    if (entry.type === 'folder') this.#folders++
    else if (entry.type === 'file') this.#files++
    this.#size += entry.size
    if (this.#listing.length >= maxListed || this.#room < 0) return undefined
    const listed = { ...entry, name: shown(entry.name, maxName) }
    if (entry.target !== undefined) listed.target = shown(entry.target, maxName)
    this.#room -= Buffer.byteLength(listed.name) + Buffer.byteLength(listed.target ?? '')
    this.#listing.push(listed)
    return listed
  }

  /** The name of an entry by its number, if it is one of those that are listed. */
  nameOf(entry: number): string | undefined {
    return this.#listing[entry]?.name
  }

  /** Gives a link its target when that is found later. */
  retarget(listed: ArchiveEntry, target: string): void {
    listed.target = shown(target, maxName)
    this.#room -= Buffer.byteLength(listed.target)
  }

  summary(): ListingSummary {
    return {
      entries: this.#count,
      files: this.#files,
      folders: this.#folders,
      size: this.#size,
      listing: this.#listing,
    }
  }
}

/** Throws ARCHIVE_TOO_LARGE for more than 1,000,000 entries. */
export function checkCount(entries: number): void {
  if (entries <= maxEntries) return
  throw fileError('ARCHIVE_TOO_LARGE', `Expected at most ${maxEntries} entries, got ${entries} or more`)
}

/** A date as it is stored, or nothing for one that no calendar has. */
export function modified(date: Date | undefined): { modifiedAt?: string } {
  return date === undefined || Number.isNaN(date.getTime()) ? {} : { modifiedAt: date.toISOString() }
}
