/** Longer names are looked at, but not normalised: with hostile accents that takes time by the square of the length. */
const maxNormalised = 4096

/**
 * Says why a name would lead out of the folder that an archive is unpacked into; undefined if it stays inside. A backslash
 * counts as a separator, `..` as hostile wherever it stands, and full-width forms as what a file system may make of them.
 */
export function escapeOf(name: string): string | undefined {
  const reason = escapeOfPlain(name)
  if (reason !== undefined || name.length > maxNormalised || isAscii(name)) return reason
  return escapeOfPlain(name.normalize('NFKC'))
}

function escapeOfPlain(name: string): string | undefined {
  if (name.includes('\0')) return 'a NUL ends it early in some programs'
  if (/^[/\\]/.test(name)) return 'it is an absolute path'
  if (/^[A-Za-z]:/.test(name)) return 'it begins with a drive letter'
  if (partsOf(name, /[/\\]/).includes('..')) return "it holds '..'"
  return undefined
}

/** Where an entry lies, as a file system sees it: without empty parts and `.`. */
export function placeOf(name: string): string {
  return partsOf(name, '/').join('/')
}

/** Like placeOf(), but equal for names that a file system which ignores case and the way accents are written takes for one. */
export function foldedPlaceOf(name: string): string {
  const place = placeOf(name)
  return (place.length > maxNormalised || isAscii(place) ? place : place.normalize('NFC')).toLowerCase()
}

/** The folders that an entry lies in, outermost first: at most 64, and none of a path that no file system would take. */
export function foldersOf(name: string): string[] {
  if (name.length > maxNormalised) return []
  const parts = partsOf(name, '/').slice(0, -1)
  return parts.slice(0, 64).map((_, index) => parts.slice(0, index + 1).join('/'))
}

/**
 * Says whether a link leads out of the folder that an archive is unpacked into.
 * @param from the link's own folder, as a name with a slash at its end; empty for links counted from the top
 */
export function leadsOut(from: string, target: string): boolean {
  if (/^[/\\]|^[A-Za-z]:/.test(target)) return true
  let depth = 0
  for (const part of partsOf(`${from}${target.replaceAll('\\', '/')}`, '/')) {
    depth += part === '..' ? -1 : 1
    if (depth < 0) return true
  }
  return false
}

/** The part of a name up to its last slash, with it. */
export function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1)
}

/** Whether most file systems would refuse a name: 255 bytes a part and 4,096 in all. */
export function isLong(name: string): boolean {
  if (Buffer.byteLength(name) > 4096) return true
  return name.length > 85 && name.split('/').some((part) => Buffer.byteLength(part) > 255)
}

function partsOf(name: string, separator: string | RegExp): string[] {
  return name.split(separator).filter((part) => part !== '' && part !== '.')
}

function isAscii(name: string): boolean {
  return !/[^\0-\x7f]/.test(name)
}
