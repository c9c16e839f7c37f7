import { hash } from 'node:crypto'
import type { EntryType } from './entry.ts'
import type { FindingList, FindingSubject } from './findings.ts'
import { hasControls } from './name.ts'
import { escapeOf, foldedPlaceOf, folderOf, foldersOf, isLong, leadsOut, placeOf } from './path.ts'

/** What archives are called, for those whose content is not looked at. */
const archiveNames =
  /\.(zip|jar|war|ear|apk|7z|rar|tar|tgz|tbz2?|txz|gz|bz2|xz|zst|lz4?|cab|iso|cpio|ar|deb|rpm)$/i
/** What archives begin with: zip, gzip, 7z, rar, bzip2, xz, zstd. */
const signatures = [
  'PK\x03\x04',
  '\x1f\x8b\x08',
  '7z\xbc\xaf\x27\x1c',
  'Rar!\x1a\x07',
  'BZh',
  '\xfd7zXZ\0',
  '\x28\xb5\x2f\xfd',
]
const maxLinks = 10_000

/** Looks at what an archive's entries are and what they are called, one after the other, and reports what is wrong. */
export class Names {
  readonly #findings: FindingList
  /** In a tar, the later of two files with one name is the newer version of the first: that is how tar appends. */
  readonly #appends: boolean
  /** Places as they are folded, and as they are written: hashes, for names may be 64 kB long and a million. */
  readonly #places = new Map<number, number>()
  readonly #links = new Set<number>()

  constructor(findings: FindingList, format: 'zip' | 'tar') {
    this.#findings = findings
    this.#appends = format === 'tar'
  }

  /** @param aliases other names that programs may read for the entry */
  check(subject: FindingSubject, type: EntryType, aliases: readonly string[] = []): void {
    const { name } = subject
    const escape = [name, ...aliases].map(escapeOf).find((reason) => reason !== undefined)
    if (escape !== undefined) {
      const message = `The name leads out of the folder that it is unpacked into: ${escape}.`
      this.#findings.add('TRAVERSAL', message, subject)
    } else if (name.includes('\\')) {
      this.#findings.add('BACKSLASH', 'The name has a backslash, a separator on Windows only.', subject)
    }
    if (hasControls(name)) {
      this.#findings.add(
        'CONTROL_CHARACTERS',
        'The name has characters that act instead of being shown.',
        subject,
      )
    }
    if (isLong(name)) {
      this.#findings.add('LONG_NAME', 'The name is longer than most file systems allow.', subject)
    }
    if (type === 'file' && archiveNames.test(name)) this.#addNested(subject)
    if (type === 'device' || type === 'pipe') {
      this.#findings.add('DEVICE', `It is a ${type}, not a file.`, subject)
    }
    this.#checkPlace(subject, type)
    this.#checkFolders(subject)
    if (type === 'symlink' && this.#links.size < maxLinks) this.#links.add(hashOf(placeOf(name)))
  }

  /** @param head the entry's first bytes: 262 are enough */
  checkContent(subject: FindingSubject, head: Buffer): void {
    if (archiveNames.test(subject.name)) return
    const start = head.toString('latin1', 0, 6)
    const isTar = head.toString('latin1', 257, 262) === 'ustar'
    if (isTar || signatures.some((signature) => start.startsWith(signature))) this.#addNested(subject)
  }

  /** Reports a link that leads out of the folder. */
  checkLink(subject: FindingSubject, target: string, type: 'symlink' | 'hardlink'): void {
    const out = leadsOut(type === 'symlink' ? folderOf(subject.name) : '', target)
    if (type === 'hardlink') {
      if (out) this.#findings.add('HARDLINK', 'The link points out of the folder.', subject)
      return
    }
    if (out || target.includes('\0')) {
      this.#findings.add('SYMLINK', 'The link points out of the folder.', subject)
    }
  }

  #addNested(subject: FindingSubject): void {
    this.#findings.add(
      'NESTED',
      'It is an archive itself, or a document built as one, and was not opened.',
      subject,
    )
  }

  #checkPlace(subject: FindingSubject, type: EntryType): void {
    // A folder may be given as often as one likes: it is made once.
    if (type === 'folder') return
    const folded = hashOf(foldedPlaceOf(subject.name))
    const exact = hashOf(placeOf(subject.name))
    const before = this.#places.get(folded)
    if (before === undefined) {
      this.#places.set(folded, exact)
    } else if (before === exact) {
      const message = this.#appends
        ? 'An earlier entry has the same name: this one takes its place.'
        : 'An earlier entry has the same name.'
      this.#findings.add('DUPLICATE_NAME', message, subject, !this.#appends)
    } else {
      this.#findings.add(
        'CASE_COLLISION',
        'An earlier name differs from it in case or accents only.',
        subject,
      )
    }
  }

  /** What lies below a link may be anywhere. */
  #checkFolders(subject: FindingSubject): void {
    if (this.#links.size === 0) return
    if (foldersOf(subject.name).some((folder) => this.#links.has(hashOf(folder)))) {
      const message = 'It lies below a symbolic link of the archive, so not where its name says.'
      this.#findings.add('SYMLINK', message, subject)
    }
  }
}

/** 52 bits of SHA-1: for duplicates by chance one would need some ten million names. */
function hashOf(text: string): number {
  return Number.parseInt(hash('sha1', text).slice(0, 13), 16)
}
