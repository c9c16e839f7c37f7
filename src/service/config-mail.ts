import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { domainToASCII } from 'node:url'
import { AfterworkError, badOption } from '../core/errors.ts'
import { domainOf, parseAddress } from './address.ts'

/** What the query of SMTP_URL may say; nodemailer would take more there, such as to verify no certificate. */
const smtpQuery = new Map<string, RegExp>([
  ['connectionTimeout', /^\d+$/],
  ['greetingTimeout', /^\d+$/],
  ['socketTimeout', /^\d+$/],
  ['idleTimeout', /^\d+$/],
  ['dnsTimeout', /^\d+$/],
  ['requireTLS', /^true$/],
  ['name', /^[A-Za-z0-9.:[\]-]+$/],
  ['authMethod', /^(PLAIN|LOGIN|CRAM-MD5)$/],
])

/** Milliseconds of the units of a rate. */
const rateUnits = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** What the runtime counts at most within the time of a rate. */
const maxRate = 100_000

/** So many mails within so many milliseconds at most. */
export interface MailRate {
  max: number
  per: number
}

/** Whom mails are signed for. */
export interface DkimConfig {
  domain: string
  selector: string
  /** A PEM file. */
  keyFile: string
}

/** An smtp: or smtps: URL; what is wrong with it is told without its password. */
export function smtpUrl(text: string, what: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^smtps?:$/.test(url.protocol) || url.hostname === '') {
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      `${what}: Expected smtp://user:password@host:port or smtps://..., got something else`,
    )
  }
  for (const [name, value] of url.searchParams) {
    if (smtpQuery.get(name)?.test(value) !== true)
      throw badOption(`${what}, its query`, `only ${[...smtpQuery.keys()].join(', ')}`, `${name}=${value}`)
  }
  return text
}

/** The name of a file of certificates in PEM form. */
export function certificates(file: string, what: string): string {
  try {
    for (const pem of readFileSync(file, 'utf8').split(/(?<=-----END CERTIFICATE-----)\s+(?=\S)/))
      void new X509Certificate(pem)
    return file
  } catch (cause) {
    const message = `${what}: Expected a file of certificates in PEM form, got ${(cause as Error).message}`
    throw new AfterworkError('AFTERWORK_BAD_OPTION', message, { cause })
  }
}

/** One plain address. */
export function address(text: string, what: string): string {
  const parsed = parseAddress(text, { localDomains: true })
  if (parsed !== undefined) return parsed
  throw badOption(what, 'one address such as staging@example.com', text)
}

/** A rate such as `10/s`, `600/m`, `5000/h`, `100000/d`. */
export function mailRate(text: string, what: string): MailRate {
  const match = /^(\d{1,6})\/([smhd])$/.exec(text)
  const rate = { max: Number(match?.[1]), per: rateUnits[match?.[2] as keyof typeof rateUnits] }
  if (match !== null && rate.max >= 1 && rate.max <= maxRate) return rate
  throw badOption(what, `a rate such as '10/s', '600/m', '5000/h', of at most ${maxRate}`, text)
}

/** `on` or `off`. */
export function onOrOff(text: string, what: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on'
  throw badOption(what, `'on' or 'off'`, text)
}

/** A domain, in ASCII and lower case. */
export function domain(text: string, what: string): string {
  const name = domainToASCII(text)
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return name
  throw badOption(what, 'a domain such as example.com', text)
}

/** The selector of a DKIM key (RFC 6376, 3.1). */
export function selector(text: string, what: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text)) return text
  throw badOption(what, 'a DKIM selector such as mail2026', text)
}

/**
 * What mail is signed with; null for nothing. A key needs a selector, and the other way round; the domain is that of the
 * sender by default.
 * @throws AFTERWORK_BAD_OPTION
 */
export function dkimOf(config: {
  dkimKeyFile: string | null
  dkimSelector: string | null
  dkimDomain: string | null
  mailFrom: string
}): DkimConfig | null {
  const { dkimKeyFile: keyFile, dkimSelector: selector, dkimDomain: domain, mailFrom } = config
  if (keyFile === null && selector === null && domain === null) return null
  if (keyFile === null)
    throw badOption('--dkim-key-file', 'the key of --dkim-selector and --dkim-domain', undefined)
  if (selector === null)
    throw badOption('--dkim-selector', 'the selector of the key in --dkim-key-file', undefined)
  return { keyFile, selector, domain: domain ?? domainOf(mailFrom).replace(/>$/, '') }
}
