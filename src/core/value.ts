import { AfterworkError, show } from './errors.ts'

/**
 * What can be stored as argument or result, on every engine: JSON values plus Date, bigint and Uint8Array.
 * It travels as one JSON string, made once at addTask and parsed only in the worker; what JSON lacks is an
 * object with the single key `$`: `{"$": ["date", 0]}`. An object of the user's that has a key `$` is wrapped likewise.
 */
type Tag = 'date' | 'bigint' | 'bytes' | 'object' | 'undefined'

/** Nesting deeper than this is refused: it is a cycle or not worth a queue. */
const maxDepth = 64

/** The way to a value inside what is encoded: text only once it is needed, for a refusal. */
interface Path {
  /** Such as 'the result of files.resize'. */
  root: (index: number) => string
  index: number
  /** Keys and indexes from the root on; those beyond the present depth are of siblings. */
  readonly keys: (string | number)[]
}

/** The arguments of a call as text; throws AFTERWORK_BAD_VALUE that names the argument. */
export function encodeArguments(args: readonly unknown[], task: string): string {
  const path: Path = { root: (index) => `argument ${index + 1} of ${task}`, index: 0, keys: [] }
  const plain = args.map((arg, index) => {
    path.index = index
    return arg === undefined ? tagged('undefined', 0) : encode(arg, path, 0)
  })
  return JSON.stringify(plain)
}

/** What encodeArguments() made of a call's arguments, back again. */
export function decodeArguments(text: string): unknown[] {
  return decodeValue(text) as unknown[]
}

/** A result as text, or undefined for no result; throws AFTERWORK_BAD_VALUE. */
export function encodeResult(result: unknown, task: string): string | undefined {
  if (result === undefined) return undefined
  return JSON.stringify(encode(result, { root: () => `the result of ${task}`, index: 0, keys: [] }, 0))
}

/** A stored value, back again. */
export function decodeValue(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return text.includes('"$":') ? revive(value) : value
}

/** A copy made of JSON alone: to check a value and then stringify it would ask its getters twice. */
function encode(value: unknown, path: Path, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw refused(path, depth, value, 'JSON has no such number')
  }
  if (typeof value === 'bigint') return tagged('bigint', value.toString())
  if (typeof value !== 'object') throw refused(path, depth, value)
  if (depth === maxDepth)
    throw refused(path, depth, value, `it is nested more than ${maxDepth} levels deep, or contains itself`)
  if (Array.isArray(value)) return encodeArray(value, path, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null)
    return encodeObject(value as Record<string, unknown>, path, depth)
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return tagged('date', value.getTime())
    throw refused(path, depth, value, 'the date is invalid')
  }
  if (value instanceof Uint8Array)
    return tagged('bytes', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'))
  throw refused(path, depth, value, 'pass its data as a plain object')
}

function encodeArray(value: readonly unknown[], path: Path, depth: number): unknown[] {
  const plain: unknown[] = []
  for (const item of value) {
    path.keys[depth] = plain.length
    plain.push(encode(item, path, depth + 1))
  }
  return plain
}

function encodeObject(value: Record<string, unknown>, path: Path, depth: number): object {
  if (Object.getOwnPropertySymbols(value).length > 0)
    throw refused(path, depth, value, 'it has a symbol as key')
  const plain: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const item = value[key]
    if (item === undefined) continue
    path.keys[depth] = key
    const encoded = encode(item, path, depth + 1)
    // To assign it would set the prototype.
    if (key === '__proto__') Object.defineProperty(plain, key, { value: encoded, enumerable: true })
    else plain[key] = encoded
  }
  return Object.hasOwn(plain, '$') ? tagged('object', plain) : plain
}

function tagged(tag: Tag, data: unknown): { $: [Tag, unknown] } {
  return { $: [tag, data] }
}

function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(revive)
  if (!Object.hasOwn(value, '$')) return reviveObject(value)
  const [tag, data] = (value as { $: [Tag, unknown] }).$
  switch (tag) {
    case 'date':
      return new Date(data as number)
    case 'bigint':
      return BigInt(data as string)
    case 'bytes':
      return new Uint8Array(Buffer.from(data as string, 'base64'))
    case 'object':
      return reviveObject(data as object)
    case 'undefined':
      return undefined
  }
}

function reviveObject(value: object): object {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revive(item)]))
}

function refused(path: Path, depth: number, value: unknown, why = hint(value)): AfterworkError {
  const keys = path.keys.slice(0, depth).map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
  return new AfterworkError(
    'AFTERWORK_BAD_VALUE',
    `${path.root(path.index)}${keys.join('')}: Expected JSON, Date, bigint or Uint8Array, got ${show(value)}; ${why}`,
  )
}

function hint(value: unknown): string {
  if (typeof value === 'function')
    return 'a task runs on another thread: pass data, or use addLocal(fn, ...args) for a closure'
  return value === undefined ? 'omit it, or use null' : 'pass its data instead'
}
