import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** How nodemailer signs. */
export interface Signing {
  domainName: string
  keySelector: string
  privateKey: string
  headerFieldNames: string
  cacheDir: string
  cacheTreshold: number
}

/** A signature is worth nothing with fewer bits (RFC 8301, 3.2). */
const minBits = 1_024

/**
 * A message is kept until its signature is known, which goes before it. So many bytes of it are kept in memory, the rest
 * in a file: ten large messages at a time would otherwise be hundreds of megabytes.
 */
const keptInMemory = 6 * 1024 ** 2

/** What RFC 6376, 5.4.1 advises, and what RFC 8058 wants signed: the one-click header. */
const signedHeaders =
  'From:Sender:Reply-To:Subject:Date:Message-ID:To:Cc:MIME-Version:Content-Type:Content-Transfer-Encoding:Content-ID:' +
  'Content-Description:In-Reply-To:References:List-Id:List-Help:List-Unsubscribe:List-Unsubscribe-Post:List-Subscribe:' +
  'List-Post:List-Owner:List-Archive'

/**
 * The private key of a PEM file that mails can be signed with: RSA, for nodemailer signs with nothing else, of 1024 bits
 * or more, that signs what its public half verifies. nodemailer would send unsigned with any other.
 * @throws Error with what was expected, and no word of the key
 */
export function signingKey(file: string): KeyObject {
  const key = privateKeyOf(readFileSync(file, 'utf8'))
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type !== 'rsa') throw new Error(`Expected an RSA key, got ${type}`)
  const bits = details?.modulusLength ?? 0
  if (bits < minBits) throw new Error(`Expected an RSA key of at least ${minBits} bits, got ${bits}`)
  const probe = Buffer.from('afterwork')
  if (!verify('sha256', probe, createPublicKey(key), sign('sha256', probe, key)))
    throw new Error('Expected a key that signs, got one whose signatures do not verify')
  return key
}

/** What DKIM_KEY_FILE, DKIM_DOMAIN and DKIM_SELECTOR say; undefined where there is no key. */
export function signing(env: NodeJS.ProcessEnv): Signing | undefined {
  const { DKIM_KEY_FILE: file, DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, AFTERWORK_DATA = 'data' } = env
  if (file === undefined || domain === undefined || selector === undefined) return undefined
  const cacheDir = join(AFTERWORK_DATA, 'signing', `${hostname()}-${process.pid}`)
  mkdirSync(cacheDir, { recursive: true })
  return {
    domainName: domain,
    keySelector: selector,
    privateKey: signingKey(file).export({ type: 'pkcs8', format: 'pem' }) as string,
    headerFieldNames: signedHeaders,
    cacheDir,
    cacheTreshold: keptInMemory,
  }
}

function privateKeyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new Error('Expected a private key in PEM form without a passphrase, got something else')
  }
}
