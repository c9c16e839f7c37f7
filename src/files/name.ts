import { unprintable } from '../core/printable.ts'

/** Characters of a client's name for a file that are kept. */
export const maxName = 255

/** What a file is called that nobody gave a name which could be used. */
const nameless = 'file'

/** A client's name for a file as it is stored: unchanged, but for what is past 255 characters. */
export function storedName(name: string): string {
  if (name.length <= maxName) return name
  return Array.from(name).slice(0, maxName).join('')
}

/** The media type that a client claims, unless it is longer than any may be (RFC 6838, 4.2). */
export function storedType(type: string): string {
  return type.length <= 255 ? type : 'application/octet-stream'
}

/**
 * A client's name for a file as a browser may save it: no path, nothing that steers a terminal or reads backwards, and
 * never only dots.
 */
export function downloadName(name: string): string {
  const safe = name.replace(unprintable, '_').replace(/[/\\]/g, '_')
  return /^[.\s]*$/.test(safe) ? nameless : safe
}
