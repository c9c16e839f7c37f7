import { createReadStream } from 'node:fs'

/** Some milliseconds of work: that long the thread hears nothing. */
const chunkSize = 256 * 1024

/**
 * The text of a file, piece by piece and without its byte order mark; what is not valid in its encoding becomes U+FFFD.
 * @param progress is told the bytes read so far
 */
export async function* decodedChunks(
  path: string,
  encoding: string,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): AsyncGenerator<string, void, undefined> {
  const decoder = chunkDecoder(encoding)
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: chunkSize })) {
    signal.throwIfAborted()
    bytes += chunk.length
    progress(bytes)
    yield decoder.write(chunk)
  }
  signal.throwIfAborted()
  yield decoder.end()
}

interface ChunkDecoder {
  write(chunk: Uint8Array): string
  end(): string
}

function chunkDecoder(encoding: string): ChunkDecoder {
  if (encoding === 'utf-8') return new Utf8Decoder()
  const decoder = new TextDecoder(encoding)
  return {
    write: (chunk) => decoder.decode(chunk, { stream: true }),
    end: () => decoder.decode(),
  }
}

/**
 * UTF-8 without TextDecoder's streaming mode, which in Node is several times slower than its decoding of whole texts and
 * makes strings of two bytes a character: the bytes of a character that is not complete wait for the next chunk.
 */
class Utf8Decoder implements ChunkDecoder {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #rest: Uint8Array = new Uint8Array()
  #isFirst = true

  write(chunk: Uint8Array): string {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const end = bytes.length - incomplete(bytes)
    // The stream may use the chunk's memory again.
    this.#rest = Uint8Array.from(bytes.subarray(end))
    return this.#decode(bytes.subarray(0, end))
  }

  end(): string {
    const rest = this.#rest
    this.#rest = new Uint8Array()
    return this.#decode(rest)
  }

  #decode(bytes: Uint8Array): string {
    const text = this.#decoder.decode(bytes)
    if (!this.#isFirst || bytes.length === 0) return text
    this.#isFirst = false
    return text.startsWith('\ufeff') ? text.slice(1) : text
  }
}

/** How many bytes at the end begin a character that goes on. */
function incomplete(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}
