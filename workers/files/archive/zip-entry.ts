import { isUtf8 } from 'node:buffer'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { modified, type ArchiveEntry, type EntryType } from './entry.ts'
import { shown } from './name.ts'

/** APPNOTE.TXT 6.3.10, section 4.4.5. */
const methods: Record<number, string> = {
  0: 'store',
  1: 'shrink',
  6: 'implode',
  8: 'deflate',
  9: 'deflate64',
  12: 'bzip2',
  14: 'lzma',
  20: 'zstd',
  93: 'zstd',
  94: 'mp3',
  95: 'xz',
  96: 'jpeg',
  97: 'wavpack',
  98: 'ppmd',
  99: 'aes',
}

const utf8Flag = 0x800
/** What a Unix mode says, where that is more than a name does: jars of old Maven have strange modes for folders. */
const unixTypes: Record<number, EntryType> = {
  0o010000: 'pipe',
  0o020000: 'device',
  0o060000: 'device',
  0o120000: 'symlink',
}
const unixTypeMask = 0o170000
/** Makers that put a Unix mode into the attributes: Unix and macOS. */
const unixMakers = new Set([3, 19])

/** A name as it is shown, and what other programs may read instead of it. */
export interface ZipName {
  name: string
  aliases: string[]
  /** Whether a name that claims to be UTF-8 is. */
  valid: boolean
}

/**
 * Decodes a name: by its Unicode extra field, as UTF-8 if it says so or, as macOS writes it without saying so, if it is,
 * else as code page 437. yauzl must have left it as bytes.
 */
export function nameOf(entry: Entry): ZipName {
  const raw = entry.fileNameRaw
  const valid = isUtf8(raw)
  const claimed = (entry.generalPurposeBitFlag & utf8Flag) !== 0
  const flags = valid || claimed ? utf8Flag : 0
  const name = yauzl.getFileNameLowLevel(flags, raw, entry.extraFields, true)
  const plain = raw.toString('latin1')
  // Lenient decoders take these two for a dot and a slash.
  const overlong = plain.replaceAll('\xc0\xae', '.').replaceAll('\xc0\xaf', '/')
  return { name, aliases: [plain, overlong], valid: valid || !claimed }
}

/** What an entry is: by its name, and by its Unix mode if it has one. */
export function typeOf(entry: Entry, name: string): EntryType {
  const isUnix = unixMakers.has(entry.versionMadeBy >> 8)
  const byMode = isUnix ? unixTypes[(entry.externalFileAttributes >>> 16) & unixTypeMask] : undefined
  if (byMode === 'symlink') return byMode
  return /[/\\]$/.test(name) ? 'folder' : (byMode ?? 'file')
}

/** Such as `deflate`, or `method 77`. */
export function methodOf(entry: Entry): string {
  return methods[entry.compressionMethod] ?? `method ${entry.compressionMethod}`
}

/** An entry as the directory of the archive has it. */
export function describeEntry(entry: Entry, name: string, type: EntryType): ArchiveEntry {
  return {
    name,
    type,
    size: entry.uncompressedSize,
    compressedSize: entry.compressedSize,
    method: methodOf(entry),
    ...modified(dateOf(entry)),
    ...(entry.isEncrypted() && { encrypted: true }),
    ...(type === 'file' && { crc: entry.crc32.toString(16).padStart(8, '0') }),
  }
}

/** Without an extra field it is local time of an unknown place, and 0 stands for no date at all. */
function dateOf(entry: Entry): Date | undefined {
  const month = (entry.lastModFileDate >> 5) & 15
  const date = entry.getLastModDate({ timezone: 'UTC' })
  const isDos = date.getTime() === entry.getLastModDate({ timezone: 'UTC', forceDosFormat: true }).getTime()
  return isDos && (month < 1 || month > 12) ? undefined : date
}

/** An archive's comment, at most 1,000 characters of it. */
export function commentOf(zip: ZipFile): string {
  // Bytes, for the names are left as bytes; the types do not know of that.
  const raw = zip.comment as unknown as Buffer
  const text = isUtf8(raw) ? raw.toString() : raw.toString('latin1')
  return shown(text.replace(/\s+/g, ' ').trim(), 1000)
}
