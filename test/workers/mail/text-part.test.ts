import test from 'ava'
import { htmlToText } from '../../../workers/mail/text-part.ts'

test('headings, lists, links and quotes of a page are text that reads well', (t) => {
  const html = `<html><head><title>Not this</title><style>p { color: red }</style></head><body>
    <div style="display:none">A preview</div><h1>Code: aB3x</h1><p>Go to <a href="https://example.org/a?b=1&amp;c=2">the page</a>
    or <a href="https://example.org">https://example.org</a>.</p><ul><li>one<li>two</ul><ol><li>first</ol>
    <img src="cid:logo" alt="The shop"><blockquote>A quote</blockquote><script>alert(1)</script></body></html>`
  t.is(
    htmlToText(html),
    [
      'Code: aB3x',
      '',
      'Go to the page <https://example.org/a?b=1&c=2> or https://example.org.',
      '',
      ' * one',
      ' * two',
      '',
      ' 1. first',
      '',
      'The shop',
      '',
      '> A quote',
    ].join('\n'),
  )
})

test('a table of data is set in columns, one that places things is not', (t) => {
  const data = '<table><tr><th>Item</th><th>Price</th></tr><tr><td>A pen</td><td>1.20</td></tr></table>'
  t.is(htmlToText(data), 'Item    Price\nA pen   1.20')
  t.is(htmlToText(`<table><tr><td>${data}</td></tr></table>`), 'Item    Price\nA pen   1.20')
  t.is(
    htmlToText('<table><tr><td>left</td><td>right</td></tr><tr><td>below</td></tr></table>'),
    'left right\nbelow',
  )
  t.is(htmlToText(data.replace('<table>', '<table role="presentation">')), 'Item Price\nA pen 1.20')
})

test('lines have at most 78 characters where words allow it', (t) => {
  const long = `https://example.org/${'a'.repeat(100)}`
  const lines = htmlToText(`<p>${'some words '.repeat(50)}${long} ${'and more '.repeat(30)}</p>`).split('\n')
  t.true(lines.some((line) => line.includes(long)))
  for (const line of lines) t.true(line.length <= 78 || line.includes(long), line)
})

const hostile: Record<string, string> = {
  'a hundred thousand nested elements': '<div>'.repeat(100_000) + 'words',
  'a thousand nested tables': '<table><tr><th>'.repeat(1_000) + 'words',
  'a hundred thousand nested lists': '<ul><li>'.repeat(100_000) + 'words',
  'a cell of a billion columns': '<table><tr><th colspan="1000000000">words</th></tr></table>',
  'a cell of ten million columns': '<table><tr><th colspan="10000000">words</th></tr></table>',
  'a cell of a billion rows': '<table><tr><th rowspan="1000000000">words</th></tr></table>',
  'a cell of less than no columns':
    '<table><tr><th colspan="-5">words</th><th colspan="NaN">b</th></tr></table>',
  'a row of a hundred thousand cells': `<table><tr><th>words</th>${'<td>x</td>'.repeat(100_000)}</tr></table>`,
  'a list that counts in huge Roman numerals': '<ol type="i" start="3000000"><li>words</ol>',
  'a list that counts from a huge number': `<ol start="1e300"><li>words${'<li>x'.repeat(50_000)}`,
  'many lines across the page': `words${'<hr>'.repeat(60_000)}`,
  'comments that never end': `words${'<!--'.repeat(250_000)}`,
  'tags that never end': `words${'<a '.repeat(300_000)}`,
  'scripts that never end': `words${'<script>'.repeat(120_000)}`,
  'less-than signs alone': `words${'<'.repeat(1_000_000)}`,
  'entities of no character': `words${'&#x110000;&#9999999;&nosuch;&#0;'.repeat(30_000)}`,
}

for (const [what, html] of Object.entries(hostile)) {
  test(`${what}: its words are the text, soon and in little space`, (t) => {
    const before = process.cpuUsage()
    const text = htmlToText(html)
    const { user, system } = process.cpuUsage(before)
    t.regex(text.slice(0, 50), /words|^b/)
    t.true(text.length <= Math.max(html.length * 2, 512 * 1024))
    // In milliseconds of work; without bounds it is minutes, or the memory ends first.
    t.true((user + system) / 1_000 < 20_000)
  })
}

test('a page too large to lay out is its words, entities decoded, what is hidden left out', (t) => {
  const page = `<head><title>no</title></head><style>p{}</style><p>One &amp; <b>two</b> &#8364;&#x20AC; a < b</p><p>three</p>`
  t.is(htmlToText(page + '<!-- x -->'.repeat(30_000)), 'One & two €€ a < b\nthree')
})
