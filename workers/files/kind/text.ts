import type { Kind } from '../kind.ts'
import { dialectOf } from '../table/dialect.ts'
import { jsonKind } from './json.ts'
import { markdownEvidence } from './markdown.ts'
import { markupKind } from './markup.ts'

/** A kind of text; without a family it is `text`. */
export interface TextKind {
  family?: 'text' | 'table' | 'image'
  extension: string
  mime: string
}

/** The pieces of a sample as text, without a byte order mark. */
export interface TextSample {
  head: string
  middle: string
  end: string
  /** Whether the head is the whole text. */
  complete: boolean
}

const markdown = { extension: 'md', mime: 'text/markdown' }
const csv = { family: 'table', extension: 'csv', mime: 'text/csv' } as const
const tsv = { family: 'table', extension: 'tsv', mime: 'text/tab-separated-values' } as const
const plain = { extension: 'txt', mime: 'text/plain' }

/** Formats that say in their first characters what they are; the types are those of IANA or shared-mime-info. */
const beginnings: [RegExp, string, string][] = [
  [/^\{\\rtf\d?/, 'rtf', 'application/rtf'],
  [/^BEGIN:VCARD\r?\n/i, 'vcf', 'text/vcard'],
  [/^BEGIN:VCALENDAR\r?\n/i, 'ics', 'text/calendar'],
  [/^WEBVTT(?:[ \t\r\n]|$)/, 'vtt', 'text/vtt'],
  [/^1\r?\n\d\d:\d\d:\d\d,\d{3} --> \d\d:/, 'srt', 'application/x-subrip'],
  [/^%!PS-Adobe-\S+ EPSF-/, 'eps', 'application/eps'],
  [/^%!PS/, 'ps', 'application/postscript'],
  [/^-----BEGIN PGP MESSAGE-----/, 'asc', 'application/pgp-encrypted'],
  [/^-----BEGIN PGP [A-Z ]+KEY BLOCK-----/, 'asc', 'application/pgp-keys'],
  [/^-----BEGIN [A-Z0-9 ]+-----/, 'pem', 'application/x-pem-file'],
  [/^(?:REGEDIT4|Windows Registry Editor Version \d)/, 'reg', 'text/x-ms-regedit'],
  [/^diff --git |^--- \S.*\r?\n\+\+\+ \S.*\r?\n@@ /, 'diff', 'text/x-diff'],
  [/^solid[ \t].{0,200}\r?\n\s*facet normal /, 'stl', 'model/stl'],
  [/^<\?php\s/, 'php', 'application/x-php'],
  [/^#!.{0,100}\bpython/, 'py', 'text/x-python'],
  [/^#!.{0,100}\b(?:node|deno|bun)\b/, 'js', 'text/javascript'],
  [/^#!.{0,100}\bperl/, 'pl', 'text/x-perl'],
  [/^#!.{0,100}\bruby/, 'rb', 'text/x-ruby'],
  [/^#!.{0,100}\bphp/, 'php', 'application/x-php'],
  [/^#![ \t]?\/.{0,100}sh\b/, 'sh', 'text/x-shellscript'],
  [
    /^(?:(?:Return-Path|Received|From|To|Date|Message-ID|MIME-Version|Subject|Delivered-To|X-[\w-]+): ?\S.*\r?\n(?:[ \t].*\r?\n)*){3}/i,
    'eml',
    'message/rfc822',
  ],
]

/** Which text it is: by its beginning, by its root element, as JSON, as Markdown or a table if there is evidence. */
export function textKind(sample: TextSample, encoding: string): Kind {
  const text = sample.head.trimStart()
  const [, extension, mime] = beginnings.find(([pattern]) => pattern.test(text)) ?? []
  const found: TextKind =
    (extension !== undefined && mime !== undefined ? { extension, mime } : undefined) ??
    markupKind(text, sample.complete ? text : sample.end) ??
    jsonKind(text, sample.complete, `${sample.middle}\n\n${sample.end}`) ??
    proseKind(sample, encoding)
  return { family: found.family ?? 'text', extension: found.extension, mime: found.mime, encoding }
}

/** Markdown, a table or plain text: they differ in what most of their lines look like. */
function proseKind({ head, complete }: TextSample, encoding: string): TextKind {
  const evidence = markdownEvidence(head)
  if (evidence === 'strong') return markdown
  // The reader of tables has no decoder for UTF-32.
  const dialect = encoding.startsWith('utf-32') ? null : dialectOf(head, complete)
  if (dialect !== null) return dialect.delimiter === '\t' ? tsv : csv
  return evidence === 'weak' ? markdown : plain
}
