import { encode } from './encode.ts'

/** Texts in the encodings they come in, and what only looks like text. */
export function texts(): Record<string, Buffer> {
  const poem = 'Über allen Gipfeln\nIst Ruh,\nIn allen Wipfeln\nSpürest du\nKaum einen Hauch;\n'
  const more = `${poem}Die Vögelein schweigen im Walde.\nWarte nur, balde\nRuhest du auch.\n`
  return {
    'poem.txt': encode(more, 'utf-8'),
    'poem-windows-1252.txt': encode(more.replaceAll('\n', '\r\n'), 'windows-1252'),
    'poem-utf-16.txt': Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(more, 'utf16le').swap16()]),
    'russian-koi8-r.txt': encode(russian, 'koi8-r'),
    'japanese-shift-jis.txt': encode(japanese, 'shift_jis'),
    'config.json': Buffer.from(`${JSON.stringify(config, null, 2)}\n`),
    'config-broken.json': Buffer.from(
      '{\n  "name": "afterwork",\n  "ports": [3000, 3001,],\n  "debug": true\n}\n',
    ),
    'events.ndjson': Buffer.from(events()),
    'manual.md': Buffer.from(manual),
    'page.html': Buffer.from(page),
    'feed.xml': Buffer.from(feed),
  }
}

const russian =
  'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n' +
  'Все смешалось в доме Облонских.\n'

const japanese = '吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当がつかぬ。\n'

const config = {
  name: 'afterwork',
  version: '1.0.0',
  ports: [3000, 3001],
  limits: { uploads: 200, threads: null, ratio: 0.75 },
  title: 'Grüße aus der Fabrik \u{1f3ed}',
  debug: false,
}

/** A log: one value a line, one of them cut off as a full disk leaves it. */
function events(): string {
  const lines = Array.from({ length: 20 }, (_, index) =>
    JSON.stringify({ at: `2024-06-01T12:00:${String(index).padStart(2, '0')}Z`, event: 'task', id: index }),
  )
  lines[12] = lines[12]!.slice(0, 30)
  return `${lines.join('\n')}\n`
}

const manual = `---
title: The manual
tags: [sample, test]
---

# The manual

How to use the *sample*, in **three** steps. See the [project](https://example.com/) first.

## Install

\`\`\`sh
# this is no heading
npm install sample
\`\`\`

1. Unpack it
2. Read it
   - twice, if need be

## Use

| option | default |
| ------ | ------- |
| size   | 10      |
| speed  | fast    |

![A picture](picture.png)

Questions
---------

> Nobody has any.
`

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A page</title>
</head>
<body>
<h1>A page</h1>
<p>With a <a href="https://example.com/">link</a>, and a script that nobody should run.</p>
<script>alert('no')</script>
</body>
</html>
`

const feed = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE feed [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>A feed</title>
  <entry><title>&lol2;</title><updated>2024-06-01T12:00:00Z</updated></entry>
</feed>
`
