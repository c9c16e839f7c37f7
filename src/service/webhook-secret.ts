import { readFileSync } from 'node:fs'
import { AfterworkError } from '../core/errors.ts'

/** Bytes of a secret, as the Standard Webhooks scheme has them. */
const [fewest, most] = [24, 64]
const maxSecrets = 8

/**
 * One secret to sign webhooks with, or several separated by white space while receivers change from one to another:
 * each `whsec_` and 24 to 64 bytes in base64. What is wrong is told without them.
 * @throws AFTERWORK_BAD_OPTION
 */
export function webhookSecrets(text: string, what: string): readonly string[] {
  const secrets = text.trim().split(/\s+/)
  if (secrets.length <= maxSecrets && secrets.every(isSecret)) return secrets
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `${what}: Expected 'whsec_' and ${fewest} to ${most} bytes in base64, or several of them with blanks between, got something else`,
  )
}

/** The secrets that a file holds. */
export function webhookSecretsFrom(file: string, what: string): readonly string[] {
  return webhookSecrets(contentOf(file, what), `${what} ${file}`)
}

function contentOf(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AfterworkError('AFTERWORK_BAD_OPTION', `${what}: ${(cause as Error).message}`, { cause })
  }
}

function isSecret(text: string): boolean {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (base64 === undefined) return false
  const bytes = Buffer.from(base64, 'base64')
  // Receivers' libraries are strict about the padding.
  return bytes.length >= fewest && bytes.length <= most && bytes.toString('base64') === base64
}
