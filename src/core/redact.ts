import { isStoredFile } from './stored-file.ts'

/** Names that mean a secret wherever they stand, compared without case, hyphens and underscores. */
const secretNames = new Set([
  'accesskey',
  'accesstoken',
  'apikey',
  'authorization',
  'cardnumber',
  'clientsecret',
  'cookie',
  'creditcard',
  'credentials',
  'cvc',
  'cvv',
  'idtoken',
  'jwt',
  'passphrase',
  'passwd',
  'password',
  'pin',
  'privatekey',
  'pwd',
  'refreshtoken',
  'secret',
  'secretkey',
  'sessionid',
  'token',
])

const hidden = '[redacted]'

/** A copy of a value in which everything under a secret's name, or under one of `keys`, is hidden, and where files are. */
export function redact(value: unknown, keys: readonly string[] = []): unknown {
  const names = keys.length === 0 ? secretNames : new Set([...secretNames, ...keys.map(plain)])
  return copy(value, names)
}

function copy(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => copy(item, names))
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date || value instanceof Uint8Array) return value
  if (isStoredFile(value)) return { id: value.id, name: value.name, type: value.type, size: value.size }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, names.has(plain(key)) ? hidden : copy(item, names)]),
  )
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[-_]/g, '')
}
