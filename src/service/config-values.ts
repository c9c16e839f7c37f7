import { readFileSync, statSync } from 'node:fs'
import { domainToASCII } from 'node:url'
import { milliseconds } from '../core/duration.ts'
import { AfterworkError, badOption } from '../core/errors.ts'
import { bytes } from '../core/size.ts'
import { parseAddress } from './address.ts'

/** A whole number in a range. */
export function whole(min: number, max: number): (text: string, what: string) => number {
  return (text, what) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN
    if (number >= min && number <= max) return number
    throw badOption(what, `a whole number from ${min} to ${max}`, text)
  }
}

/** Widths of thumbnails, separated by commas; none if there is nothing, or `none`, for an empty variable is not given. */
export function widths(text: string, what: string): readonly number[] {
  const parts = /^(?:none)?$/.test(text.trim()) ? [] : text.split(',').map((part) => part.trim())
  const numbers = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : NaN))
  if (numbers.length <= 8 && numbers.every((width) => width >= 1 && width <= 4_096)) return numbers
  throw badOption(what, 'at most 8 whole numbers from 1 to 4096, separated by commas', text)
}

/** Bytes: a number, or one with KB, MB or GB (powers of 1024). */
export function size(text: string, what: string): number {
  return bytes(/^\d+$/.test(text) ? Number(text) : text, what)
}

/** Milliseconds: a number, or one with ms, s, m, h or d. */
export function duration(text: string, what: string): number {
  return milliseconds(/^\d+$/.test(text) ? Number(text) : text, what)
}

/** An address, or a name with an address: `afterwork@example.com`, `Afterwork <afterwork@example.com>`. */
export function mailbox(text: string, what: string): string {
  const match = /^([^<>"\p{Cc}]*)<([^<>]+)>$/u.exec(text)
  const address = parseAddress(match?.[2] ?? text, { localDomains: true })
  if (address === undefined) throw badOption(what, `an address such as 'Shop <shop@example.com>'`, text)
  const name = match?.[1]?.trim() ?? ''
  return name === '' ? address : `"${name.replaceAll('\\', '\\\\')}" <${address}>`
}

/** A folder that is there. */
export function folder(text: string, what: string): string {
  if (statSync(text, { throwIfNoEntry: false })?.isDirectory()) return text
  throw badOption(what, 'a folder', text)
}

/** Domains separated by commas, in lower case. */
export function domains(text: string, what: string): readonly string[] {
  const names = text.split(',').map((name) => domainToASCII(name.trim()))
  if (names.every((name) => name !== '')) return names
  throw badOption(what, `domains separated by commas, such as 'example.com,example.org'`, text)
}

/** A token: printable, without white space, so that it fits a header. */
export function token(text: string, what: string): string {
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `${what}: Expected 1 to 512 printable ASCII characters without white space, got something else`,
  )
}

/** The token that a file holds. */
export function tokenFrom(file: string, what: string): string {
  try {
    return token(readFileSync(file, 'utf8').trim(), `${what} ${file}`)
  } catch (cause) {
    if (cause instanceof AfterworkError) throw cause
    throw new AfterworkError('AFTERWORK_BAD_OPTION', `${what}: ${(cause as Error).message}`, { cause })
  }
}
