import { fileURLToPath } from 'node:url'
import test from 'ava'
import fc from 'fast-check'
import PDFDocument from 'pdfkit'
import { pdfText } from '../../../workers/reports/pdf-text.ts'
import { cutToWidth, widthOf } from '../../../workers/reports/text-width.ts'
import { cut, escaped, visible } from '../../../workers/reports/visible.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 60 })

test('what cannot be seen is shown, on one line', (t) => {
  t.is(visible('a\u202Eb\r\nc\td\0\uD800'), 'a⟨U+202E⟩b¶c→d⟨U+0000⟩⟨U+D800⟩')
  t.is(visible('Größe 東京 👩‍🚀'), 'Größe 東京 👩‍🚀')
})

test('no text ends its element or its attribute', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      t.notRegex(escaped(text), /[<>"'\n\r\0]|&(?!#\d+;)/)
    }),
    { seed: 10 },
  )
})

test('a cut text is never longer than allowed, and no character is cut in half', (t) => {
  t.is(cut('abcdef', 4), 'abc…')
  t.is(cut('ab👍cd', 4), 'ab…')
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, length) => {
      t.true(cut(text, length).length <= length)
    }),
    { seed: 11 },
  )
})

test('a label is cut to the width there is', (t) => {
  t.is(cutToWidth('short', 150, 11), 'short')
  const long = cutToWidth('W'.repeat(100), 150, 11)
  t.true(long.endsWith('…') && widthOf(long, 11) <= 150)
})

test('the PDF has a letter for each character it is given, in both weights', (t) => {
  for (const weight of ['Regular', 'Bold']) {
    const path = fileURLToPath(import.meta.resolve(`pdfjs-dist/standard_fonts/LiberationSans-${weight}.ttf`))
    const { font } = (
      new PDFDocument({ font: path }) as unknown as {
        _font: { font: { hasGlyphForCodePoint(point: number): boolean } }
      }
    )._font
    for (let point = 0; point < 0x11000; point++) {
      for (const character of pdfText(String.fromCodePoint(point)))
        if (!font.hasGlyphForCodePoint(character.codePointAt(0)!)) t.fail(point.toString(16))
    }
  }
  t.is(pdfText('Straße 10 €, Łódź, Москва, Αθήνα'), 'Straße 10 €, Łódź, Москва, Αθήνα')
  t.is(pdfText('Cafe\u0301 東京 \u202E'), 'Café □□ ‹U+202E›')
})
