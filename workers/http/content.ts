import type { Readable } from 'node:stream'

/** A JSON value deeper than this stays text: it could not be stored as a task's result. */
const maxDepth = 50

/** The body of an answer, as far as it was read. */
export interface Content {
  /** The value of JSON, else text. */
  body: unknown
  /** Whether there was more of it, and it is therefore text that breaks off. */
  truncated: boolean
}

/** Reads a body up to `most` bytes; of a longer one the rest is not waited for. */
export async function contentOf(stream: Readable, type: string | undefined, most: number): Promise<Content> {
  const chunks: Buffer[] = []
  let size = 0
  // A stream that is left before its end may still fail.
  stream.on('error', () => {})
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, most - size))
    size += chunk.length
    if (size > most) break
  }
  const truncated = size > most
  const text = decoderOf(type).decode(Buffer.concat(chunks), { stream: truncated })
  return { body: !truncated && isJson(type) ? valueOf(text) : text, truncated }
}

function isJson(type = ''): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)
}

/** By the charset that the server names, where it is one; UTF-8 otherwise. */
function decoderOf(type = '') {
  try {
    return new TextDecoder(/;\s*charset="?([^\s";]+)/i.exec(type)?.[1] ?? 'utf-8')
  } catch {
    return new TextDecoder()
  }
}

/** What says it is JSON and is not stays text. */
function valueOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isShallow(value, maxDepth) ? value : text
  } catch {
    return text
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((item) => isShallow(item, depth - 1))
}
