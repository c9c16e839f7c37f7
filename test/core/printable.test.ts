import test from 'ava'
import { printable } from '../../src/core/printable.ts'

const shown: [what: string, text: string, printed: string][] = [
  ['a plain name', 'holiday 2024.jpg', 'holiday 2024.jpg'],
  ['other alphabets', 'Ünïcödé 文件 שלום', 'Ünïcödé 文件 שלום'],
  ['an emoji that is joined of several', '👨‍👩‍👧', '👨‍👩‍👧'],
  ['a backslash', 'a\\n', 'a\\n'],
  ['line breaks and tabs', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
  ['a NUL', 'a\0b', 'a\\u0000b'],
  ['an escape sequence', '\u001B[31mred', '\\u001b[31mred'],
  ['the one-character form of it', '\u009B31mred', '\\u009b31mred'],
  ['a delete', 'a\u007F', 'a\\u007f'],
  ['bidirectional overrides', 'photo\u202Egpj.exe', 'photo\\u202egpj.exe'],
  ['bidirectional isolates and marks', '\u2066\u2069\u200F\u061C', '\\u2066\\u2069\\u200f\\u061c'],
  ['line and paragraph separators', '\u2028\u2029', '\\u2028\\u2029'],
  ['what is not to be seen', '\uFEFF\u200B', '\\ufeff\\u200b'],
  ['a tag beyond the first plane', '\u{E0041}', '\\u{e0041}'],
  ['a lone surrogate', 'a\uD800b', 'a\\ud800b'],
]

for (const [what, text, printed] of shown) {
  test(`${what} is printed safely`, (t) => t.is(printable(text), printed))
}
