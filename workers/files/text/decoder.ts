import { createReadStream } from 'node:fs'
import { TextDecoder } from 'node:util'
import { decodeText } from '../kind/decoding.ts'

/** Some milliseconds of work: that long the thread hears nothing. */
const chunkSize = 128 * 1024
const replacement = '\ufffd'

/** A piece of a file's text: whole characters. */
export interface DecodedPiece {
  text: string
  /** Bytes of the file that have been read. */
  bytes: number
  /** Sequences of bytes in it that are no character in this encoding; each is U+FFFD in the text. */
  invalid: number
}

/** Reads the text of a file piece by piece, without its byte order mark of `bom` bytes; throws the signal's reason. */
export async function* decodeFile(
  path: string,
  encoding: string,
  bom: number,
  signal: AbortSignal,
): AsyncGenerator<DecodedPiece> {
  const decoder =
    cutters[encoding] === undefined ? new StreamDecoder(encoding) : new CharacterDecoder(encoding)
  let bytes = bom
  for await (const chunk of createReadStream(path, { highWaterMark: chunkSize, start: bom })) {
    signal.throwIfAborted()
    bytes += (chunk as Buffer).length
    yield { ...decoder.decode(chunk as Buffer, false), bytes }
  }
  signal.throwIfAborted()
  yield { ...decoder.decode(Buffer.alloc(0), true), bytes }
}

interface Decoder {
  decode(chunk: Buffer, isLast: boolean): { text: string; invalid: number }
}

/** Encodings that keep a state, or whose characters cannot be told from behind: TextDecoder remembers what was cut. */
class StreamDecoder implements Decoder {
  readonly #decoder: TextDecoder

  constructor(encoding: string) {
    this.#decoder = new TextDecoder(encoding, { ignoreBOM: true })
  }

  decode(chunk: Buffer, isLast: boolean) {
    const text = this.#decoder.decode(chunk, { stream: !isLast })
    return { text, invalid: occurrences(text) }
  }
}

/**
 * UTF-8, 16 and 32: the bytes of a character that is not complete wait for the next chunk. TextDecoder's own streaming is
 * several times slower than its decoding of whole characters.
 */
class CharacterDecoder implements Decoder {
  readonly #encoding: string
  readonly #written: Buffer
  #rest: Buffer = Buffer.alloc(0)

  constructor(encoding: string) {
    this.#encoding = encoding
    this.#written = Buffer.from(written[encoding]!)
  }

  decode(chunk: Buffer, isLast: boolean) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const end = isLast ? bytes.length : bytes.length - cutters[this.#encoding]!(bytes)
    // The stream may use the chunk's memory again.
    this.#rest = Buffer.from(bytes.subarray(end))
    const text = decodeText(bytes.subarray(0, end), this.#encoding)
    const replaced = occurrences(text)
    return { text, invalid: replaced === 0 ? 0 : replaced - this.#countWritten(bytes.subarray(0, end)) }
  }

  /** Replacement characters that the file itself has are no fault of its bytes. */
  #countWritten(bytes: Buffer): number {
    const unit = this.#encoding === 'utf-8' ? 1 : this.#written.length
    let count = 0
    for (let at = bytes.indexOf(this.#written); at !== -1; at = bytes.indexOf(this.#written, at + 1)) {
      if (at % unit === 0) count++
    }
    return count
  }
}

/** U+FFFD. */
const written: Record<string, number[]> = {
  'utf-8': [0xef, 0xbf, 0xbd],
  'utf-16le': [0xfd, 0xff],
  'utf-16be': [0xff, 0xfd],
  'utf-32le': [0xfd, 0xff, 0, 0],
  'utf-32be': [0, 0, 0xff, 0xfd],
}

/** How many bytes at the end of a piece begin a character of which more is to come. */
const cutters: Record<string, (bytes: Buffer) => number> = {
  'utf-8': (bytes) => {
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back]!
      if (byte >= 0xc2 && byte <= 0xf4) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
      if (byte < 0x80) return 0
    }
    return 0
  },
  'utf-16le': (bytes) => cutUnits(bytes, 0),
  'utf-16be': (bytes) => cutUnits(bytes, 1),
  'utf-32le': (bytes) => bytes.length % 4,
  'utf-32be': (bytes) => bytes.length % 4,
}

/** An odd byte, and the first half of a surrogate pair. */
function cutUnits(bytes: Buffer, swap: 0 | 1): number {
  const odd = bytes.length % 2
  const high = bytes[bytes.length - odd - 1 - swap]
  return odd + (high !== undefined && high >= 0xd8 && high <= 0xdb ? 2 : 0)
}

function occurrences(text: string): number {
  let count = 0
  for (let at = text.indexOf(replacement); at !== -1; at = text.indexOf(replacement, at + 1)) count++
  return count
}
