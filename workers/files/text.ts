import { open } from 'node:fs/promises'
import { markOf } from './kind/encoding.ts'
import type { Kind } from './kind.ts'
import type { Findings, Reading } from './reading.ts'
import { previewOf } from './text/clean.ts'
import { TextCount, type LineEndings } from './text/count.ts'
import { decodeFile } from './text/decoder.ts'
import { JsonReader, type JsonDescription } from './text/json.ts'
import { MarkdownReader, type MarkdownDescription } from './text/markdown.ts'
import { NdjsonReader, type NdjsonDescription } from './text/ndjson.ts'

/** Characters. */
const previewLength = 500

/** What is known of a text, and of what it is written in. */
export interface TextDescription {
  /** A label of the WHATWG Encoding Standard, or `utf-32le` or `utf-32be`. */
  encoding: string
  /** Whether it begins with a byte order mark, which is not counted as a character. */
  bom: boolean
  /** Where there is more than one line. */
  lineEndings?: LineEndings
  /** The last of them need not end with a line break. */
  lines: number
  /** Runs without white space that have a letter or digit; of Han and kana, each character. */
  words: number
  /** Code points. */
  characters: number
  /** Of the longest line, without its end: code points. */
  longestLine: number
  /** Sequences of bytes that are no character in this encoding. */
  invalid: number
  /** The first 500 characters, without controls. */
  preview: string
  json?: JsonDescription
  ndjson?: NdjsonDescription
  markdown?: MarkdownDescription
}

/** What reads a format along with the counting, and the name of its description. */
interface FormatReader {
  add(text: string): void
  describe(): Pick<TextDescription, 'json' | 'ndjson' | 'markdown'>
}

/**
 * Describes a text in one pass and in bounded memory, however long it is or its lines are. Nothing in it is an error of the
 * task: where JSON breaks, or how many bytes are no characters, is what one wants to know of it.
 * @throws the system's error, such as ENOENT; the signal's reason
 */
export async function readText({ file, kind, signal, progress }: Reading): Promise<Findings> {
  const encoding = kind.encoding ?? 'utf-8'
  const { bom, size } = await beginningOf(file.path)
  const count = new TextCount()
  const format = formatReader(kind)
  let invalid = 0
  let beginning = ''
  for await (const piece of decodeFile(file.path, encoding, bom, signal)) {
    invalid += piece.invalid
    if (beginning.length < 4 * previewLength) beginning += piece.text.slice(0, 4 * previewLength)
    count.add(piece.text)
    format?.add(piece.text)
    progress(Math.min(1, piece.bytes / Math.max(1, size)), 'reading text')
  }
  const { lines, words, characters, longestLine, lineEndings } = count
  return {
    text: {
      encoding,
      bom: bom > 0,
      ...(lineEndings !== undefined && { lineEndings }),
      lines,
      words,
      characters,
      longestLine,
      invalid,
      preview: previewOf(beginning, previewLength),
      ...format?.describe(),
    },
  }
}

async function beginningOf(path: string): Promise<{ bom: number; size: number }> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    const { size } = await file.stat()
    return { bom: markOf(buffer.subarray(0, bytesRead))?.bom ?? 0, size }
  } finally {
    await file.close()
  }
}

function formatReader(kind: Kind): FormatReader | undefined {
  const add = (reader: { add(text: string): void }) => (text: string) => reader.add(text)
  switch (kind.extension) {
    case 'json': {
      const reader = new JsonReader()
      return { add: add(reader), describe: () => ({ json: reader.describe() }) }
    }
    case 'ndjson': {
      const reader = new NdjsonReader()
      return { add: add(reader), describe: () => ({ ndjson: reader.describe() }) }
    }
    case 'md': {
      const reader = new MarkdownReader()
      return { add: add(reader), describe: () => ({ markdown: reader.describe() }) }
    }
    default:
      return undefined
  }
}
