import { AfterworkError } from '../core/errors.ts'
import { Problem } from './problem.ts'

/** Status and code for each code of multer's errors. */
const multerCodes: Record<string, [status: number, code: string]> = {
  LIMIT_FILE_SIZE: [413, 'FILE_TOO_LARGE'],
  LIMIT_FILE_COUNT: [413, 'TOO_MANY_FILES'],
  LIMIT_PART_COUNT: [413, 'TOO_MANY_PARTS'],
  LIMIT_FIELD_COUNT: [413, 'TOO_MANY_FIELDS'],
  LIMIT_FIELD_VALUE: [413, 'FIELD_TOO_LARGE'],
  LIMIT_FIELD_KEY: [400, 'FIELD_NAME_TOO_LONG'],
  LIMIT_FIELD_NESTING: [400, 'BAD_FIELD_NAME'],
  LIMIT_FIELD_ARRAY_INDEX: [400, 'BAD_FIELD_NAME'],
  INVALID_FIELD_NAME: [400, 'BAD_FIELD_NAME'],
  MISSING_FIELD_NAME: [400, 'BAD_FIELD_NAME'],
  LIMIT_UNEXPECTED_FILE: [400, 'UNEXPECTED_FILE'],
}

/** What busboy and multer say, in words only, of a body that is not what its header promises. */
const malformed =
  /boundary|unexpected end|malformed|unsupported content|missing content-type|part header|request (aborted|closed)|aborted/i

const systemCodes: Record<string, [status: number, code: string, detail: string]> = {
  ECONNRESET: [400, 'MALFORMED_MULTIPART', 'The connection was cut before the body was complete.'],
}

/** The answer to an error of a multipart parser; what is none of the client's doing stays as it is. */
export function multipartProblem(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof AfterworkError) return thrown
  const { code = '', field } = thrown as { code?: string; field?: string }
  const known = multerCodes[code]
  if (known !== undefined) {
    const where = field === undefined ? '' : `: field ${JSON.stringify(field.slice(0, 100))}`
    return new Problem(known[0], known[1], `${thrown.message}${where}`, { cause: thrown })
  }
  const system = systemCodes[code]
  if (system !== undefined) return new Problem(...system, { cause: thrown })
  if (!malformed.test(thrown.message)) return thrown
  return new Problem(
    400,
    'MALFORMED_MULTIPART',
    `The body is not what its Content-Type says: ${thrown.message}`,
    { cause: thrown },
  )
}
