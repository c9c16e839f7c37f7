import test from 'ava'

// The page is JavaScript for browsers, and has no types.
const page = import.meta.resolve('../../src/service/page/text.js')
const { visible, visibleLines } = (await import(page)) as Record<string, (text: unknown) => string>

const shown: [what: string, name: string, text: string][] = [
  ['an override of direction', 'photo\u202Egpj.exe', 'photo[U+202E]gpj.exe'],
  ['isolates of direction', '\u2066a\u2069', '[U+2066]a[U+2069]'],
  ['control characters', 'a\0\u001B[31m\u009Bb', 'a[U+0000][U+001B][31m[U+009B]b'],
  ['line breaks', 'a\r\nb\u2028c', 'a[U+000D][U+000A]b[U+2028]c'],
  ['half a character', 'a\uD800b', 'a[U+D800]b'],
  ['markup, which is text on the page', '<img src=x>', '<img src=x>'],
  ['letters from right to left', 'שלום.txt', 'שלום.txt'],
]

for (const [what, name, text] of shown) test(`the page shows ${what}`, (t) => t.is(visible!(name), text))

test('sentences keep their line breaks, and nothing else', (t) => {
  t.is(visibleLines!('a\r\nb\u202Ec\nd'), 'a\nb[U+202E]c\nd')
})
