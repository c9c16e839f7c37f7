import { bodyParser } from '@koa/bodyparser'
import multer from '@koa/multer'
import type { Middleware } from 'koa'
import { multipartProblem } from '../koa/multipart-problem.ts'
import { Problem } from '../koa/problem.ts'
import { fieldLimits } from '../koa/upload.ts'

const maxBody = '1mb'

/** RFC 5322, 2.1.1: characters of a line. */
const maxSubject = 900

/** JSON, an urlencoded form or a multipart form without files, of at most a megabyte. */
export function formOrJson(): Middleware {
  const parse = bodyParser({
    enableTypes: ['json', 'form'],
    jsonLimit: maxBody,
    formLimit: maxBody,
    jsonStrict: true,
    onError: (error) => {
      const tooLarge = (error as { status?: number }).status === 413
      throw tooLarge
        ? new Problem(413, 'BODY_TOO_LARGE', `Expected a body of at most ${maxBody}`, { cause: error })
        : new Problem(400, 'MALFORMED_BODY', `The body is not what its Content-Type says: ${error.message}`, {
            cause: error,
          })
    },
  }) as unknown as Middleware
  const parseMultipart = multer({ limits: { ...fieldLimits, fieldSize: 1024 ** 2, files: 0 } }).none()

  return async function body(ctx, next) {
    if (ctx.is('multipart/form-data')) {
      await parseMultipart(ctx, async () => {}).catch((error: unknown) => {
        throw multipartProblem(error)
      })
      return next()
    }
    if (!ctx.is('json', 'urlencoded')) {
      throw new Problem(
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        'Expected application/json, application/x-www-form-urlencoded or multipart/form-data',
      )
    }
    return parse(ctx, next)
  }
}

/** The fields of a body; throws INVALID_FIELD for what is no object, UNKNOWN_FIELD for one that is not `known`. */
export function fieldsOf(body: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('body', 'an object')
  const fields: Record<string, unknown> = { ...body }
  for (const name of Object.keys(fields)) {
    if (known.includes(name)) continue
    const got = JSON.stringify(name.slice(0, 100))
    throw new Problem(422, 'UNKNOWN_FIELD', `Expected only ${known.join(', ')}, got ${got}`)
  }
  return fields
}

/** A mail's subject: one line of at most 900 characters; throws INVALID_FIELD. */
export function subjectOf(given: unknown): string {
  if (typeof given === 'string' && given.length <= maxSubject && !/\p{Cc}/u.test(given)) return given
  throw invalid('subject', `a line of at most ${maxSubject} characters`)
}

/** The answer to a field that is not as expected: 422 INVALID_FIELD. */
export function invalid(field: string, expected: string): Problem {
  return new Problem(422, 'INVALID_FIELD', `${field}: Expected ${expected}`)
}
