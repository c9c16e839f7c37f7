import type { ExifValue } from './exif.ts'

/** Characters of a text that are kept. */
const maxLength = 200

/** The first number of a value, if it is one that can be stored. */
export function numberOf(value: ExifValue | undefined): number | undefined {
  const number = value === undefined || Buffer.isBuffer(value) ? undefined : value[0]
  return number !== undefined && Number.isFinite(number) ? number : undefined
}

/** A text without what fills it up, 200 characters at most; undefined if nothing is left. */
export function textOf(value: ExifValue | undefined): string | undefined {
  if (!Buffer.isBuffer(value)) return undefined
  const text = decode(value)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, maxLength)
    .toWellFormed()
  return text === '' ? undefined : text
}

/** EXIF knows ASCII only; cameras and programs write UTF-8 or what their system had. */
function decode(bytes: Buffer): string {
  try {
    // As a stream: a character that was cut off at the end is no error.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}
