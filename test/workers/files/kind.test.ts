import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import { pack } from 'tar-stream'
import { kindOf } from '../../../workers/files/kind.ts'
import { store } from './subject.ts'

async function kind(t: ExecutionContext, content: Uint8Array | string) {
  const found = await kindOf((await store(t, content)).path)
  return found && `${found.family}/${found.extension} ${found.mime}`
}

/** A zip of stored entries, without its directory: file-type reads the headers before the entries. */
function zip(...entries: [string, string][]): Buffer {
  return Buffer.concat(
    entries.map(([name, data]) => {
      const header = Buffer.alloc(30)
      header.write('PK\x03\x04\x14', 'latin1')
      header.writeUInt32LE(data.length, 18)
      header.writeUInt32LE(data.length, 22)
      header.writeUInt16LE(name.length, 26)
      return Buffer.concat([header, Buffer.from(name + data)])
    }),
  )
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')

test('an image is what its first bytes say', async (t) => {
  const plain = sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } })
  for (const format of ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const) {
    const extension = { jpeg: 'jpg', tiff: 'tif' }[format as string] ?? format
    const image = await plain.clone().toFormat(format).toBuffer()
    t.is(await kind(t, image), `image/${extension} image/${format}`)
    // With something else after it, as a polyglot has.
    t.is(await kind(t, Buffer.concat([image, latin1('\n%PDF-1.7\n')])), `image/${extension} image/${format}`)
  }
})

test('an avif may have the general brand first', async (t) => {
  const header = (brand: string) => latin1(`\0\0\0\x1cftypmif1\0\0\0\0mif1${brand}miaf\0\0\0\0`)
  t.is(await kind(t, header('avif')), 'image/avif image/avif')
  t.is(await kind(t, header('heic')), 'other/heic image/heif')
})

test('a zip is an archive, with the name of what is known to be inside', async (t) => {
  t.is(await kind(t, zip(['a.txt', 'a'])), 'archive/zip application/zip')
  t.is(await kind(t, latin1(`PK\x05\x06${'\0'.repeat(18)}`)), 'archive/zip application/zip')
  t.is(await kind(t, zip(['mimetype', 'application/epub+zip'])), 'archive/epub application/epub+zip')
  const odt = 'application/vnd.oasis.opendocument.text'
  t.is(await kind(t, zip(['mimetype', odt])), `archive/odt ${odt}`)
  const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
  const types = `<Types><Override ContentType="${docx}.main+xml"/></Types>`
  t.is(await kind(t, zip(['[Content_Types].xml', types])), `archive/docx ${docx}`)
  t.is(await kind(t, zip(['META-INF/MANIFEST.MF', ''])), 'archive/jar application/java-archive')
})

test('tar and gzip are archives, and a gzip is one whatever is inside', async (t) => {
  const tar = pack()
  tar.entry({ name: 'a.txt' }, 'some text')
  tar.finalize()
  const bytes = await buffer(tar)
  t.is(await kind(t, bytes), 'archive/tar application/x-tar')
  t.is(await kind(t, gzipSync(bytes)), 'archive/gz application/gzip')
  t.is(await kind(t, gzipSync('text')), 'archive/gz application/gzip')
  t.is(await kind(t, gzipSync(Buffer.alloc(20_000_000))), 'archive/gz application/gzip')
})

test('a pdf may have something before its header, as long as that is no other format', async (t) => {
  const body = '%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n'
  const pdf = 'pdf/pdf application/pdf'
  t.is(await kind(t, body), pdf)
  t.is(await kind(t, '%PDF-1.7\n%%EOF\n'), pdf)
  t.is(await kind(t, `\r\nSubject: scan\r\n\r\n${body}`), pdf)
  t.is(await kind(t, latin1(`\x1b%-12345X@PJL\r\n\0\0${body}\xff\xfe\0`)), pdf)
  t.is(await kind(t, `${' '.repeat(2000)}${body}`), 'text/txt text/plain')
  t.is(await kind(t, `${'\0'.repeat(2000)}${body}`), null)
})

test('what speaks of a format is text', async (t) => {
  for (const text of [
    'A PDF begins with %PDF-1.7 and ends with %%EOF.\n',
    'A PDF begins with `%PDF-1.7`\nand goes on with its objects:\n\n1 0 obj\n',
    '%PDF is what it begins with',
    'GIF89a was the last version of GIF.',
    'BMW builds cars, and ID3 is a tag.',
    'MZ were his initials.',
    'The free encyclopedia',
    'SQLite is a library.',
    'ID3 tags hold the title of a song.',
    'FORM 1040',
    `G${'o'.repeat(187)}Golf`,
    'solid advice',
    'BZh is how bzip2 begins',
  ]) {
    t.is(await kind(t, text), 'text/txt text/plain', text)
  }
})

test('what is known and has no reader is other', async (t) => {
  const known: [string, string][] = [
    ['7z\xbc\xaf\x27\x1c\0\0', 'other/7z application/x-7z-compressed'],
    ['Rar!\x1a\x07\0', 'other/rar application/x-rar-compressed'],
    ['\xfd7zXZ\0', 'other/xz application/x-xz'],
    ['(\xb5/\xfd\0', 'other/zst application/zstd'],
    ['BZh91AY&SY\0\xff\x01', 'other/bz2 application/x-bzip2'],
    ['\x7fELF\x02\x01\x01\0', 'other/elf application/x-elf'],
    ['SQLite format 3\0', 'other/sqlite application/x-sqlite3'],
    ['fLaC\0\0\0\x22', 'other/flac audio/flac'],
    ['RIFF\x24\0\0\0WAVEfmt ', 'other/wav audio/wav'],
    ['\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'other/heic image/heic'],
    ['BM\x36\0\0\0\0\0', 'other/bmp image/bmp'],
    [
      '!<arch>\na.o/            0           0     0     644     2         `\nhi',
      'other/ar application/x-unix-archive',
    ],
  ]
  for (const [content, expected] of known) t.is(await kind(t, latin1(content)), expected)
})

test('an mp3 stays one, whatever hides behind its tag', async (t) => {
  const tag = latin1('ID3\x03\0\0\0\0\0\0')
  t.is(await kind(t, Buffer.concat([tag, zip(['mimetype', 'application/epub+zip'])])), 'other/mp3 audio/mpeg')
})

test('nothing, and bytes without a meaning, have no kind', async (t) => {
  t.is(await kind(t, ''), null)
  t.is(await kind(t, Buffer.alloc(1000)), null)
  t.is(await kind(t, Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * index) % 251))), null)
  // Text at first, and then something else.
  t.is(await kind(t, Buffer.concat([Buffer.alloc(70_000, 'text\n'), Buffer.alloc(70_000, 1)])), null)
})

test('svg, html and xml are told by their root element', async (t) => {
  const svg = 'image/svg image/svg+xml'
  const html = 'text/html text/html'
  const xml = 'text/xml application/xml'
  const cases: [string, string][] = [
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', svg],
    [
      '\ufeff<?xml version="1.0"?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC "-//W3C" "a>b" [<!ENTITY a "]>">]>\n<svg/>',
      svg,
    ],
    ['<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"></s:svg>', svg],
    ['<!DOCTYPE html>\n<title>A page</title>', html],
    ['<!-- saved -->\n<HTML><body>', html],
    ['  <div class="a">some</div> text', html],
    ['<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'text/html application/xhtml+xml'],
    ['<?xml version="1.0"?><note><to>A</to></note>', xml],
    ['<note>\n<to>A</to>\n</note>\n', xml],
    ['<!DOCTYPE note [<!ELEMENT note ANY>]><note></note>', xml],
    ['<stdin>:1: error', 'text/txt text/plain'],
    ['<3 is a heart', 'text/txt text/plain'],
    ['<!-- never closed', 'text/txt text/plain'],
  ]
  for (const [text, expected] of cases) t.is(await kind(t, text), expected, text)
})

test('json is what begins as it, even if it breaks later', async (t) => {
  const json = 'text/json application/json'
  for (const text of [
    '{}',
    '{"a": 1}',
    ' \n[1, 2, 3]\n',
    '[]',
    '[{"a": 1}, {"a": }]',
    '{"a": 1 "b": 2}',
    '{"a": nul',
    '{"a": "never closed',
    '{"a": 1} and more',
    '["a" "b"]',
    `[${'{"a":1},'.repeat(20_000)}{}]`,
  ]) {
    t.is(await kind(t, text), json, text.slice(0, 80))
  }
  for (const text of [
    '[INFO] started',
    '[1] See below.',
    '[2026-11-21] started\n',
    '{ color: red }',
    '{{ title }}',
    '42',
    '"a"',
    'null',
  ]) {
    t.is(await kind(t, text), 'text/txt text/plain', text)
  }
})

test('lines of json are told from one json', async (t) => {
  const ndjson = 'text/ndjson application/x-ndjson'
  t.is(await kind(t, '{"a":1}\n{"a":2}\n'), ndjson)
  t.is(await kind(t, '{"a":1}\r\n\r\n[2]\r\n{"a":'), ndjson)
  t.is(await kind(t, '{"a":1\n{"a":2}\n{"a":3}\n'), ndjson)
  t.is(await kind(t, `{"a":"${'x'.repeat(100_000)}"}\n`.repeat(2) + '{"a":1}\n{"a":2}\n'), ndjson)
  t.is(await kind(t, '{"a":1,\n"b":2}\n'), 'text/json application/json')
  t.is(await kind(t, '1\n2\n3\n'), 'text/txt text/plain')
})

test('tables are told by their delimiter', async (t) => {
  t.is(await kind(t, 'name,age\nAnna,31\nBert,42\nCarla,27\n'), 'table/csv text/csv')
  t.is(await kind(t, 'Name;Alter\nAnna;31\nBert;42\nCarla;27\n'), 'table/csv text/csv')
  t.is(await kind(t, 'name\tage\nAnna\t31\nBert\t42\nCarla\t27\n'), 'table/tsv text/tab-separated-values')
  t.is(await kind(t, 'Dear Anna,\n\nthank you, and all the best,\n\nBert\n'), 'text/txt text/plain')
})

test('markdown needs evidence', async (t) => {
  const markdown = 'text/md text/markdown'
  for (const text of [
    '# Notes\n\nSome words about it.\n\n## More\n\nAnd some others.\n',
    'See [the page](https://example.org/a) for how it works.\n\n```\ncode\n```\n',
    '---\ntitle: A page\n---\n\n# A page\n\nIt has some words in it.\n',
    '# Prices\n\n| what | price |\n| ---- | ----: |\n| bread | 3 |\n| cake | 5 |\n',
    '<p align="center"><img src="logo.png"></p>\n\n# A project\n\nDoes some good things. See [docs](./docs).\n\n```sh\nnpm i\n```\n',
  ]) {
    t.is(await kind(t, text), markdown, text)
  }
  for (const text of [
    'Just a letter.\n\nWith two paragraphs of prose.\n',
    '# set the port\nport = 80\n\n# and the host\nhost = example.org\n',
    '# A comment\n\nimport os\n\n# Another one\n\ndef main():\n    return 1\n',
    '- milk\n- bread\n- butter\n',
    'key: value\nother:\n  - a\n# comment\nmore: [a](b)\n',
    'Title\n=====\n\n.. image:: a.png\n\nSome text follows here.\n',
  ]) {
    t.is(await kind(t, text), 'text/txt text/plain', text)
  }
})

test('some formats of text say in their first line what they are', async (t) => {
  const known: [string, string][] = [
    ['{\\rtf1\\ansi Some text}', 'text/rtf application/rtf'],
    ['BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD\r\n', 'text/vcf text/vcard'],
    ['BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n', 'text/ics text/calendar'],
    ['WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n', 'text/vtt text/vtt'],
    ['%!PS-Adobe-3.0\n', 'text/ps application/postscript'],
    ['#!/bin/sh\necho hello\n', 'text/sh text/x-shellscript'],
    ['#!/usr/bin/env python3\nprint(1)\n', 'text/py text/x-python'],
    ['-----BEGIN CERTIFICATE-----\nMIIB\n', 'text/pem application/x-pem-file'],
    ['From: a@example.org\nTo: b@example.org\nSubject: Hello\n\nHello\n', 'text/eml message/rfc822'],
  ]
  for (const [content, expected] of known) t.is(await kind(t, content), expected)
})

test('a file that is gone fails with the error of the system', async (t) => {
  const file = await store(t, '')
  await t.throwsAsync(kindOf(`${file.path}-not`), { code: 'ENOENT' })
})
