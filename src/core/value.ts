import { AfterworkError, show } from './errors.ts'

/**
 * What can be stored as argument or result, on every engine: JSON values plus Date, bigint and Uint8Array.
 * It travels as one JSON string, made once at addTask and parsed only in the worker; what JSON lacks is an
 * object with the single key `$`: `{"$": ["date", 0]}`. An object of the user's that has a key `$` is wrapped likewise.
 */
type Tag = 'date' | 'bigint' | 'bytes' | 'object' | 'undefined'

/** Nesting deeper than this is refused: it is a cycle or not worth a queue. */
const maxDepth = 64

/** The arguments of a call as text; throws AFTERWORK_BAD_VALUE that names the argument. */
export function encodeArguments(args: readonly unknown[], task: string): string {
  const where = (index: number) => `argument ${index + 1} of ${task}`
  const plain = args.map((arg, index) =>
    arg === undefined ? tagged('undefined', 0) : encode(arg, where(index), 0),
  )
  return JSON.stringify(plain)
}

/** What encodeArguments() made of a call's arguments, back again. */
export function decodeArguments(text: string): unknown[] {
  return decodeValue(text) as unknown[]
}

/** A result as text, or undefined for no result; throws AFTERWORK_BAD_VALUE. */
export function encodeResult(result: unknown, task: string): string | undefined {
  return result === undefined ? undefined : JSON.stringify(encode(result, `the result of ${task}`, 0))
}

/** A stored value, back again. */
export function decodeValue(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return text.includes('"$":') ? revive(value) : value
}

function encode(value: unknown, where: string, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw refused(where, value, 'JSON has no such number')
  }
  if (typeof value === 'bigint') return tagged('bigint', value.toString())
  if (typeof value !== 'object') throw refused(where, value)
  if (depth === maxDepth)
    throw refused(where, value, `it is nested more than ${maxDepth} levels deep, or contains itself`)
  if (Array.isArray(value))
    return Array.from(value, (item, index) => encode(item, `${where}[${index}]`, depth + 1))
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return tagged('date', value.getTime())
    throw refused(where, value, 'the date is invalid')
  }
  if (value instanceof Uint8Array)
    return tagged('bytes', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw refused(where, value, 'pass its data as a plain object')
  return encodeObject(value, where, depth)
}

function encodeObject(value: object, where: string, depth: number): unknown {
  if (Object.getOwnPropertySymbols(value).length > 0) throw refused(where, value, 'it has a symbol as key')
  const entries: [string, unknown][] = []
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) entries.push([key, encode(item, `${where}.${key}`, depth + 1)])
  }
  const plain = Object.fromEntries(entries)
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

function refused(where: string, value: unknown, why = hint(value)): AfterworkError {
  return new AfterworkError(
    'AFTERWORK_BAD_VALUE',
    `${where}: Expected JSON, Date, bigint or Uint8Array, got ${show(value)}; ${why}`,
  )
}

function hint(value: unknown): string {
  if (typeof value === 'function')
    return 'a task runs on another thread: pass data, or use addLocal(fn, ...args) for a closure'
  return value === undefined ? 'omit it, or use null' : 'pass its data instead'
}
