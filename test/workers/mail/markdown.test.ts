import test from 'ava'
import { markdownAsText, markdownToHtml } from '../../../workers/mail/markdown.ts'

/** What stands in the page's column. */
function bodyOf(markdown: string): string {
  return /<div class="body"[^>]*>\n([^]*)<\/div>\n<\/body>/.exec(markdownToHtml(markdown))![1]!.trim()
}

test('Markdown becomes a whole page with its title', (t) => {
  const html = markdownToHtml('# Hello\n\nA *word*', 'Hello & <b>')
  t.regex(html, /^<!doctype html>/)
  t.regex(html, /<title>Hello &amp; &lt;b&gt;<\/title>/)
  t.is(bodyOf('# Hello\n\nA *word*'), '<h1>Hello</h1>\n<p>A <em>word</em></p>')
  t.regex(bodyOf('| a |\n|---|\n| 1 |'), /<table>/)
})

test('HTML in Markdown is text', (t) => {
  t.is(bodyOf('<script>alert(1)</script>'), '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>')
  t.is(bodyOf('a <b onclick="x">b</b>'), '<p>a &lt;b onclick=&quot;x&quot;&gt;b&lt;/b&gt;</p>')
  t.is(bodyOf('<div>\n<style>'), '<p>&lt;div&gt;\n&lt;style&gt;</p>')
})

const refused = [
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  '&#106;avascript:alert(1)',
  'java%0ascript:x',
  'vbscript:x',
  'data:text/html,x',
  'data:image/png;base64,AAAA',
  'file:///etc/passwd',
  '/relative',
  '//example.org/',
  'ftp://example.org',
]
for (const url of refused) {
  test(`a link to ${url} is no link`, (t) => {
    t.notRegex(bodyOf(`[a](${url}) ![b](${url}) <${url}>\n\n[c]\n\n[c]: ${url}`), /<a|<img/)
  })
}

test('links lead to http, https, mailto and tel; bare URLs and addresses are links, names of files are not', (t) => {
  for (const url of ['https://example.org/?a=b', 'http://example.org', 'mailto:a@example.org', 'tel:+4912'])
    t.true(bodyOf(`[x](${url})`).includes(`<a href="${url}">x</a>`))
  t.is(
    bodyOf('https://example.org/a and me@example.org, not report.md or example.com or //x.org'),
    '<p><a href="https://example.org/a">https://example.org/a</a> and <a href="mailto:me@example.org">me@example.org</a>, not report.md or example.com or //x.org</p>',
  )
})

test('images come from the message or by https, others are their words', (t) => {
  t.is(bodyOf('![a logo](cid:logo)'), '<p><img src="cid:logo" alt="a logo"></p>')
  t.is(bodyOf('![a](https://example.org/a.png)'), '<p><img src="https://example.org/a.png" alt="a"></p>')
  t.is(bodyOf('![a <b> *c*](http://example.org/a.png)'), '<p>a &lt;b&gt; c</p>')
  t.is(bodyOf('![x](mailto:a@example.org)'), '<p>x</p>')
})

test('the text part is the Markdown, wrapped but meaning the same', (t) => {
  const words = 'some words that go on and on '.repeat(4).trim()
  const markdown = [
    `# ${words}`,
    '',
    `A paragraph: ${words}  `,
    'with a line break.',
    '',
    `> > A quote: ${words}`,
    '',
    `- an item: ${words}`,
    `  10. a second one: ${words}`,
    '',
    `| ${words} | b |`,
    '|---|---|',
    '',
    '```',
    words,
    '```',
    '',
    `    ${words}`,
  ].join('\r\n')
  const text = markdownAsText(markdown)
  t.is(bodyOf(text).replaceAll('\n', ' '), bodyOf(markdown).replaceAll('\n', ' '))
  const wrapped = text
    .split('\n')
    .filter((line) => !/^(?:#|\|| {4}some|some words that go on and on some)/.test(line))
  for (const line of wrapped) t.true(line.length <= 78, line)
  t.true(text.split('\n').length > 20)
})

const n = 100_000
const hostile: Record<string, string> = {
  'nested quotes': '>'.repeat(n),
  'nested lists': '- '.repeat(n / 2),
  'brackets that never close': '['.repeat(n),
  'links in links': '[a]('.repeat(n / 4),
  'images in links': '[![[]()'.repeat(n / 7),
  stars: '*a '.repeat(n / 3),
  'double stars': '**a'.repeat(n / 3),
  backticks: 'a``b```c`'.repeat(n / 9),
  slashes: '//a.b/'.repeat(n / 6),
  'dots and ats': 'a@a.'.repeat(n / 4),
  'bars of a table': `|a|b|\n|-|-|\n${'|x|y|\n'.repeat(n / 6)}`,
  'a table of thousands of columns': `${'|'.repeat(3_000)}\n${'|-'.repeat(3_000)}|\n${'|\n'.repeat(n / 3)}`,
  'definitions of links': '[a]: b\n'.repeat(n / 7),
  'deep indentation': Array.from({ length: 700 }, (_, index) => `${' '.repeat(index % 300)}> - `).join('\n'),
  'empty lines': '\n'.repeat(n),
}

for (const [what, markdown] of Object.entries(hostile)) {
  test(`a hundred thousand characters of ${what} do no harm`, (t) => {
    const before = process.cpuUsage()
    const lengths = [markdownToHtml(markdown).length, markdownAsText(markdown).length]
    const { user, system } = process.cpuUsage(before)
    for (const length of lengths) t.true(length < 20 * n)
    // In milliseconds of work, with much room for slow machines.
    t.true((user + system) / 1_000 < 20_000)
  })
}
