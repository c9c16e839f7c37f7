import type { Context } from 'koa'
import { Problem } from './problem.ts'

/** The JSON object that a request brings, of at most `limit` bytes; every other body is a 4xx with a stable code. */
export async function jsonBody(ctx: Context, limit: number): Promise<Record<string, unknown>> {
  if (!ctx.is('json'))
    throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'Expected a body of type application/json')
  if (!/^(identity)?$/i.test(ctx.get('Content-Encoding')))
    throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'Expected a body without a Content-Encoding')
  const chunks: Buffer[] = []
  let size = 0
  // Read to its end even when it is too large: what is left of it would keep the next request of the connection waiting.
  for await (const chunk of ctx.req) {
    size += (chunk as Buffer).length
    if (size <= limit) chunks.push(chunk as Buffer)
  }
  if (size > limit) throw new Problem(413, 'BODY_TOO_LARGE', `Expected a body of at most ${limit} bytes`)
  const value = parse(Buffer.concat(chunks).toString())
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new Problem(400, 'MALFORMED_BODY', 'Expected a JSON object')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Problem(400, 'MALFORMED_BODY', `The body is not JSON: ${(cause as Error).message}`, { cause })
  }
}
