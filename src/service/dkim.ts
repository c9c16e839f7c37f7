import { createPublicKey, type KeyObject } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { AfterworkError } from '../core/errors.ts'
import { signingKey } from '../../workers/mail/dkim.ts'
import { domainOf } from './address.ts'
import { dkimOf, type DkimConfig } from './config-mail.ts'
import type { Config } from './config.ts'

/** How long the start waits for DNS, in milliseconds. */
const patience = 2_000

/** RFC 8301, 3.2: what signers should use; some receivers take no less. */
const goodBits = 2_048

/** Where the public key is looked up. */
export type KeyLookup = Pick<Resolver, 'resolveTxt'>

/**
 * Checks at the start what mail is to be signed with: nodemailer sends unsigned with a key that does not work, and
 * receivers take a signature that does not match the published key for a forgery. Without a record, or without DNS, which
 * machines for staging have not, there is a warning.
 * @throws AFTERWORK_BAD_OPTION for a key that cannot sign, or is not the published one
 */
export async function checkDkim(
  config: Config,
  logger: Pick<Logger, 'warn'>,
  lookup: KeyLookup = new Resolver({ timeout: patience, tries: 1 }),
): Promise<void> {
  const dkim = dkimOf(config)
  if (dkim === null) return
  const key = readKey(dkim)
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < goodBits) logger.warn({ bits }, `the DKIM key has fewer than ${goodBits} bits`)
  const from = domainOf(config.mailFrom).replace(/>$/, '')
  if (from !== dkim.domain && !from.endsWith(`.${dkim.domain}`))
    logger.warn({ from, domain: dkim.domain }, 'mail is signed for another domain than that of the sender')
  await checkPublished(dkim, key, logger, lookup)
}

function readKey({ keyFile }: DkimConfig): KeyObject {
  try {
    return signingKey(resolve(keyFile))
  } catch (cause) {
    const message = `--dkim-key-file ${keyFile}: ${(cause as Error).message}`
    throw new AfterworkError('AFTERWORK_BAD_OPTION', message, { cause })
  }
}

async function checkPublished(
  { domain, selector }: DkimConfig,
  key: KeyObject,
  logger: Pick<Logger, 'warn'>,
  lookup: KeyLookup,
): Promise<void> {
  const name = `${selector}._domainkey.${domain}`
  let records: string[]
  try {
    records = (await within(lookup.resolveTxt(name), patience)).map((parts) => parts.join(''))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const none = code === 'ENOTFOUND' || code === 'ENODATA'
    return logger.warn({ name, code }, none ? 'there is no DKIM record yet' : 'the DKIM record is not known')
  }
  const published = records.map(publishedKey).filter((text) => text !== undefined)
  if (published.length === 0) return logger.warn({ name }, 'there is no DKIM record yet')
  const ours = encodings(createPublicKey(key))
  if (published.some((text) => ours.includes(text))) return
  const got = published.every((text) => text === '') ? 'a record that revokes it' : 'another one'
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `--dkim-key-file: Expected the public key of this private key in the TXT record ${name}, got ${got}`,
  )
}

/** RFC 6376, 3.6.1: the tag `p` of a key record; undefined for a record of something else. */
function publishedKey(record: string): string | undefined {
  const tags = new Map(
    record.split(';').map((tag) => {
      const equals = tag.indexOf('=')
      return [tag.slice(0, equals).trim(), tag.slice(equals + 1).replaceAll(/\s/g, '')] as const
    }),
  )
  return tags.get('p')
}

/** As it is published: the key with its algorithm, or, as the RFC says and few do, bare. */
function encodings(key: KeyObject): string[] {
  return (['spki', 'pkcs1'] as const).map((type) => key.export({ type, format: 'der' }).toString('base64'))
}

/** A resolver with several servers asks one after the other. */
async function within<T>(promise: Promise<T>, most: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' })),
      most,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
