import test from 'ava'
import { MarkdownReader } from '../../../workers/files/text/markdown.ts'

function describe(markdown: string) {
  const reader = new MarkdownReader()
  // In small pieces, as lines may come.
  for (const piece of markdown.match(/[^]{1,5}/g) ?? []) reader.add(piece)
  return reader.describe()
}

const headings = (markdown: string) =>
  describe(markdown).headings.map(({ level, text }) => `${level} ${text}`)

test('a text has an outline, links, images, code and tables', (t) => {
  const markdown = `---
title: A page
tags: [a, b]
draft: true
---

# The *first* heading

See [one](https://example.org/a_(b)), [two][ref], <https://example.org> and ![a picture](a.png).

[![badge](b.svg)](https://example.org)

| what  | price |
| ----- | ----: |
| bread |     3 |

\`\`\`js
# no heading, and [no](link)
\`\`\`

Second
------

- item with \`[code](x)\`
- ### A heading in a list

> #### And in a quote

[ref]: https://example.org
`
  t.deepEqual(describe(markdown), {
    title: 'The first heading',
    headings: [
      { level: 1, text: 'The first heading' },
      { level: 2, text: 'Second' },
      { level: 3, text: 'A heading in a list' },
      { level: 4, text: 'And in a quote' },
    ],
    links: 4,
    images: 2,
    codeBlocks: 1,
    tables: 1,
    frontMatter: ['title', 'tags', 'draft'],
  })
})

test('headings are those of CommonMark', (t) => {
  t.deepEqual(headings('# a #\n## b ## \n### c#\n#d\n####### e\n   # f\n\n    # code\n#\n'), [
    '1 a',
    '2 b',
    '3 c#',
    '1 f',
    '1 ',
  ])
  t.deepEqual(headings('a\n=\n\nb\nc\n---\n\n---\n\nd\n\n===\n'), ['1 a', '2 b c'])
  t.deepEqual(headings('- a\n---\n'), [])
})

test('what is in fenced code, comments and scripts is no heading', (t) => {
  t.deepEqual(headings('```\n# a\n~~~\n# b\n````\n# c\n'), ['1 c'])
  t.deepEqual(headings('<!-- a\n# b\n-->\n# c\n'), ['1 c'])
  t.deepEqual(headings('<pre>\n# a\n</pre>\n# b\n'), ['1 b'])
  t.deepEqual(headings('> ```\n> # a\n\n# b\n'), ['1 b'])
  t.deepEqual(headings('1. x\n\n   ```\n   # a\n   ```\n\n# b\n'), ['1 b'])
  t.is(describe('```\nnever closed\n').codeBlocks, 1)
})

test('text of headings is without its marks, and cut', (t) => {
  t.deepEqual(headings('# [a](b) ![c](d) `e` **f** snake_case _g_ \\* <b>h</b>\n'), [
    '1 a c e f snake_case g * h',
  ])
  const [long] = headings(`# ${'x'.repeat(50_000)}\n`)
  t.is(long?.length, 202)
})

test('a line of dashes at the beginning is no front matter without keys', (t) => {
  t.deepEqual(headings('---\n\n# a\n'), ['1 a'])
  t.is(describe('---\n\n# a\n').frontMatter, undefined)
  t.deepEqual(headings(`---\na: b\n${'x\n'.repeat(2000)}# c\n`), ['1 c'])
})

test('of many headings the first hundred are told', (t) => {
  const { headings: told, headingCount } = describe('# a\n'.repeat(500))
  t.deepEqual([told.length, headingCount], [100, 500])
})

test('hostile lines are read in one go: a cost that grew with their square would outlast the test', (t) => {
  for (const line of ['[](', '[', '![', '`a``', '[[a](', '#', '| - ', '> ', '<a <img ', '- ', '* *', '\\[']) {
    const text = line.repeat(1_000_000 / line.length)
    const reader = new MarkdownReader()
    for (let at = 0; at < text.length; at += 15_000) reader.add(`${text.slice(at, at + 15_000)}\n`)
    t.notThrows(() => reader.describe(), line)
  }
})
