import { readFileSync } from 'node:fs'
import { domainToASCII } from 'node:url'
import { milliseconds } from '../core/duration.ts'
import { AfterworkError, badOption } from '../core/errors.ts'
import { parseAddress } from './address.ts'

const sizes = { '': 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

/** A whole number in a range. */
export function whole(min: number, max: number): (text: string, what: string) => number {
  return (text, what) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN
    if (number >= min && number <= max) return number
    throw badOption(what, `a whole number from ${min} to ${max}`, text)
  }
}

/** Bytes: a number, or one with KB, MB or GB (powers of 1024). */
export function bytes(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(B|KB|MB|GB)?$/i.exec(text)
  const size =
    match === null
      ? 0
      : Math.floor(Number(match[1]) * sizes[(match[2] ?? '').toUpperCase() as keyof typeof sizes])
  if (size >= 1 && size <= Number.MAX_SAFE_INTEGER) return size
  throw badOption(what, `a size such as '500KB', '200MB' or '1GB'`, text)
}

/** Milliseconds: a number, or one with ms, s, m, h or d. */
export function duration(text: string, what: string): number {
  return milliseconds(/^\d+$/.test(text) ? Number(text) : text, what)
}

export function oneOf<T extends string>(allowed: readonly T[]): (text: string, what: string) => T {
  return (text, what) => {
    if (allowed.includes(text as T)) return text as T
    throw badOption(what, `one of ${allowed.join(', ')}`, text)
  }
}

/** An address, or a name with an address: `afterwork@example.com`, `Afterwork <afterwork@example.com>`. */
export function mailbox(text: string, what: string): string {
  const match = /^([^<>"\p{Cc}]*)<([^<>]+)>$/u.exec(text)
  const address = parseAddress(match?.[2] ?? text, { localDomains: true })
  if (address === undefined) throw badOption(what, `an address such as 'Shop <shop@example.com>'`, text)
  const name = match?.[1]?.trim() ?? ''
  return name === '' ? address : `"${name.replaceAll('\\', '\\\\')}" <${address}>`
}

/** Domains separated by commas, in lower case. */
export function domains(text: string, what: string): readonly string[] {
  const names = text.split(',').map((name) => domainToASCII(name.trim()))
  if (names.every((name) => name !== '')) return names
  throw badOption(what, `domains separated by commas, such as 'example.com,example.org'`, text)
}

/** An smtp: or smtps: URL; what is wrong with it is told without its password. */
export function smtpUrl(text: string, what: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^smtps?:$/.test(url.protocol) && url.hostname !== '') return text
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `${what}: Expected smtp://user:password@host:port or smtps://..., got something else`,
  )
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
