import { AfterworkError, show } from './errors.ts'

/** An error as it crosses threads and is stored: nothing of it is lost but its identity. */
export interface Failure {
  /** Class name, such as TypeError. */
  name: string
  message: string
  /** The error's own code, such as ENOENT or AFTERWORK_TIMED_OUT. */
  code?: string
  stack?: string
  cause?: Failure
  /** The other own properties of the error, such as nodemailer's responseCode, where they can be stored. */
  fields?: Record<string, string | number | boolean | null>
}

const maxCauses = 5
const maxText = 16_384

/** What a task threw, as a Failure; something that is no Error gets AFTERWORK_NOT_AN_ERROR. Never throws. */
export function toFailure(thrown: unknown): Failure {
  try {
    return read(thrown, 0)
  } catch {
    // A getter or a proxy of the task's own threw again.
    const message = 'The task threw something that cannot be read'
    return read(new AfterworkError('AFTERWORK_NOT_AN_ERROR', message), 0)
  }
}

function read(thrown: unknown, depth: number): Failure {
  if (!isError(thrown)) {
    return read(
      new AfterworkError('AFTERWORK_NOT_AN_ERROR', `Expected an Error to be thrown, got ${show(thrown)}`),
      depth,
    )
  }
  const failure: Failure = {
    name: text(thrown.constructor?.name ?? thrown.name, 'Error'),
    message: text(thrown.message, ''),
  }
  if (failure.name === 'Error' && typeof thrown.name === 'string') failure.name = text(thrown.name, 'Error')
  const { code } = thrown as { code?: unknown }
  if (typeof code === 'string' || typeof code === 'number') failure.code = text(String(code), '')
  if (typeof thrown.stack === 'string') failure.stack = text(thrown.stack, '')
  if (thrown.cause !== undefined && thrown.cause !== null && depth < maxCauses)
    failure.cause = read(thrown.cause, depth + 1)
  // What an error of ours has beside its code is for Koa.
  const fields = thrown instanceof AfterworkError ? [] : ownFields(thrown)
  if (fields.length > 0) failure.fields = Object.fromEntries(fields)
  return failure
}

/** An error again, for logs and for who awaits a result: class name, code, stack, cause and own fields as they were. */
export function toError(failure: Failure): Error {
  const error = new Error(
    failure.message,
    failure.cause === undefined ? {} : { cause: toError(failure.cause) },
  )
  Object.assign(error, failure.fields)
  error.name = failure.name
  if (failure.code !== undefined) Object.assign(error, { code: failure.code })
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}

function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]'
}

function ownFields(error: Error): [string, string | number | boolean | null][] {
  const known = new Set(['name', 'message', 'stack', 'cause', 'code'])
  const fields: [string, string | number | boolean | null][] = []
  for (const [key, value] of Object.entries(error)) {
    if (known.has(key)) continue
    if (typeof value === 'string') fields.push([key, text(value, '')])
    else if (
      typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || value === null
    ) {
      fields.push([key, value])
    }
  }
  return fields
}

function text(value: unknown, otherwise: string): string {
  if (typeof value !== 'string') return otherwise
  return value.length > maxText ? `${value.slice(0, maxText)}... (${value.length} characters)` : value
}
