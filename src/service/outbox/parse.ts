import PostalMime, { type Address, type Email } from 'postal-mime'

/** Bytes of a message that is read whole: 25 MB of attachments are 34 of base64. */
const maxBytes = 50 * 1024 ** 2
/** postal-mime holds about 2 kB for each line that is not of base64. */
const maxLines = 50_000
/** A nested message is an attachment, as its sender meant it. */
const options = { maxHeadersSize: 256 * 1024, maxNestingDepth: 50, forceRfc822Attachments: true }

/** A message that cannot be shown but as source; `message` says why, to people. */
export class Unreadable extends Error {}

/** One mailbox of a header. */
export interface Mailbox {
  name: string
  address: string
}

/**
 * Reads a message; the bytes must be its own, for they are not copied.
 * @throws Unreadable when it is no message, or reading it would take too much memory
 */
export async function parse(bytes: Uint8Array<ArrayBuffer>): Promise<Email> {
  if (bytes.length > maxBytes) throw new Unreadable(`It has more than ${maxBytes / 1024 ** 2} MB.`)
  if (!hasFewLines(bytes)) throw new Unreadable(`It has more than ${maxLines.toLocaleString('en')} lines.`)
  let email: Email
  try {
    const isWhole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength
    email = await PostalMime.parse(isWhole ? bytes.buffer : bytes, options)
  } catch (error) {
    throw new Unreadable(`${(error as Error).message}.`)
  }
  const keys = new Set(email.headers.map(({ key }) => key))
  if (!['from', 'to', 'subject', 'date'].some((key) => keys.has(key)))
    throw new Unreadable('It does not begin with the headers of a message.')
  return email
}

/** The mailboxes of a header, those in groups among them. */
export function mailboxes(addresses: readonly (Address | undefined)[] = []): Mailbox[] {
  return addresses
    .flatMap((given) => given?.group ?? (given === undefined ? [] : [given]))
    .slice(0, 100)
    .map(({ name, address }) => ({ name: name.slice(0, 500), address: (address ?? '').slice(0, 500) }))
}

const isBase64 = new Uint8Array(256)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r')
  isBase64[character.charCodeAt(0)] = 1

/** Long lines of base64 are not counted: they become bytes at once. */
function hasFewLines(bytes: Uint8Array): boolean {
  const newline = 10
  const long = 60
  let lines = 0
  let start = 0
  let encoded = true
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte !== newline) {
      if (isBase64[byte] === 0) encoded = false
      continue
    }
    if (!encoded || at - start < long) lines++
    if (lines > maxLines) return false
    start = at + 1
    encoded = true
  }
  return true
}
