import { shown } from './name.ts'

/** What each finding means for whoever unpacks the archive: `true` if unpacking it as it is may do harm. */
const serious = {
  /** A name leads out of the folder: `..`, an absolute path, a drive letter, or a NUL that hides the rest of it. */
  TRAVERSAL: true,
  /** A symbolic link points out of the folder, or an entry lies below a link. */
  SYMLINK: true,
  /** A hard link points out of the folder. */
  HARDLINK: true,
  /** A device or a pipe. */
  DEVICE: true,
  /** Several entries have one name: which of them is unpacked depends on the program. */
  DUPLICATE_NAME: true,
  /** Names that differ in case or accents only become one file where the file system ignores that. */
  CASE_COLLISION: false,
  /** A backslash in a name, which is a separator on Windows and a letter elsewhere. */
  BACKSLASH: false,
  /** Characters in a name that control a terminal or turn the direction of writing, and so show another name. */
  CONTROL_CHARACTERS: true,
  /** A name that is no valid UTF-8 though it claims to be. */
  NAME_ENCODING: false,
  /** A name of more than 4,096 bytes, or with a part of more than 255, which most file systems refuse. */
  LONG_NAME: false,
  /** Entries share their compressed bytes, as in the zip bomb of David Fifield (2019). */
  OVERLAP: true,
  /** Unpacked, it is very much larger than the archive. */
  BOMB: true,
  /** An entry's size is not the one that is declared, or is declared twice and differently. */
  LYING_SIZE: true,
  /** An entry has another name, method or checksum in the archive's directory than before its data. */
  LYING_HEADER: true,
  /** The directory holds more entries than the archive says it does. */
  LYING_COUNT: true,
  /** An entry cannot be unpacked: its data are damaged or not there. */
  CORRUPT: false,
  ENCRYPTED: false,
  /** Entries compressed by other methods than deflate are listed, but not verified. */
  UNSUPPORTED_METHOD: false,
  /** An archive within the archive, which was not opened. */
  NESTED: false,
  /** More than 100,000 entries. */
  TOO_MANY_ENTRIES: false,
  /** More than 20,000 gzip members, of which the rest was not read. */
  TOO_MANY_MEMBERS: false,
  /** The data go on past the first gibibyte, up to which they were read. */
  UNREAD: false,
  /** Bytes before the first entry, as self-extracting archives have them; serious if they are an archive themselves. */
  PREFIX: false,
  /** Bytes after the end of the archive. */
  TRAILING: false,
  /** A tar that lacks its end mark may be cut. */
  NO_END: false,
} as const satisfies Record<string, boolean>

/** What can be wrong with an archive that can be read all the same. */
export type FindingCode = keyof typeof serious

/** Something that whoever unpacks an archive should know. */
export interface Finding {
  code: FindingCode
  /** Whether unpacking may do harm: write elsewhere, fill the disk, or show other names or content than it gives. */
  serious: boolean
  /** A sentence. */
  message: string
  /** The entry's number in the archive, from 0; without it, the finding is about the archive as a whole. */
  entry?: number
  /** The entry's name, at most 100 characters of it. */
  name?: string
}

/** What a description says of an archive's findings. */
export interface FindingsSummary {
  /** At most 10 entries of each code, in the order in which they were found. */
  findings: Finding[]
  /** How many there are of each code. */
  findingCounts: Partial<Record<FindingCode, number>>
  /** Whether no finding is serious; what could not be looked at (encrypted or past a limit) is not vouched for. */
  safe: boolean
}

/** An entry that a finding is about. */
export interface FindingSubject {
  entry: number
  name: string
}

/** Of entries; about the archive as a whole there is one of a code at most. */
const maxOfACode = 10

/** Gathers findings, however many there are, in bounded memory. */
export class FindingList {
  readonly #findings: Finding[] = []
  readonly #counts: Partial<Record<FindingCode, number>> = {}
  #safe = true

  /** @param harm whether the finding is serious, where that is not as usual for its code */
  add(
    code: FindingCode,
    message: string,
    subject?: { entry: number; name?: string | undefined },
    harm: boolean = serious[code],
  ): void {
    if (harm) this.#safe = false
    const count = (this.#counts[code] ?? 0) + 1
    this.#counts[code] = count
    if (count > maxOfACode && subject !== undefined) return
    const finding: Finding = { code, serious: harm, message }
    if (subject !== undefined) finding.entry = subject.entry
    if (subject?.name !== undefined) finding.name = shown(subject.name, 100)
    this.#findings.push(finding)
  }

  summary(): FindingsSummary {
    return { findings: this.#findings, findingCounts: this.#counts, safe: this.#safe }
  }
}
