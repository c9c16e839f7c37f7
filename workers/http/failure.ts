import { TaskError } from 'afterwork/worker'
import type { Dispatcher } from 'undici'
import { retryAfter } from './retry-after.ts'

/** Characters of a body that an error shows. */
const maxShown = 300
/** Statuses that may be gone the next time, beside all of 5xx. */
const passing = [408, 425, 429]

/** A status that is a failure: retried where it may pass, no sooner than the server asks; its code is HTTP_ and the status. */
export function refusal(
  what: string,
  { statusCode: status, headers }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>,
  { shown = '', hopeless = !passing.includes(status) && status < 500 } = {},
): TaskError {
  const beginning = printable(shown.slice(0, maxShown))
  const wait = status === 429 || status === 503 ? retryAfter(single(headers['retry-after'])) : undefined
  const error = new TaskError(
    `Expected ${what} to succeed, got ${status}${beginning === '' ? '' : `: ${beginning}`}`,
    {
      code: `HTTP_${status}`,
      ...(hopeless ? { retry: false } : {}),
      ...(wait === undefined ? {} : { minWait: wait }),
    },
  )
  return Object.assign(error, { status })
}

/**
 * What kept an answer from coming: HTTP_TIMEOUT for the request's own deadline, else the code that the system or undici
 * gave it. Where it may not go, and what is no request at all, is not tried again.
 */
export function trouble(what: string, thrown: unknown): TaskError {
  if (thrown instanceof TaskError) return thrown
  const cause = thrown as NodeJS.ErrnoException
  if (cause.name === 'TimeoutError')
    return new TaskError(`Expected ${what} to answer in time, got no answer`, { code: 'HTTP_TIMEOUT', cause })
  const hopeless = ['HTTP_DESTINATION_REFUSED', 'UND_ERR_INVALID_ARG'].includes(cause.code ?? '')
  // Of several addresses that were tried in vain there is no message.
  return new TaskError(`${what}: ${cause.message || cause.code}`, {
    code: cause.code ?? 'HTTP_FAILED',
    cause,
    ...(hopeless ? { retry: false } : {}),
  })
}

/** A header that came once. */
export function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function printable(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
}
