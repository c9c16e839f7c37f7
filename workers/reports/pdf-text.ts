import { visible } from './visible.ts'

/**
 * All but the characters of Liberation Sans as pdfjs-dist brings it: the 652 of the Windows Glyph List 4, which are those
 * of European languages in Latin, Greek and Cyrillic letters, and usual signs. No ligatures and no private use.
 */
const unknown =
  /[^\x20-\x7E\xA0-\u017F\u0192\u01FA-\u01FF\u0218-\u021B\u02C6-\u02C7\u02C9\u02D8-\u02DD\u037E\u0384-\u038A\u038C\u038E-\u03A1\u03A3-\u03CE\u0400-\u045F\u0472-\u0473\u0490-\u0491\u1E80-\u1E85\u1EF2-\u1EF3\u2013-\u2015\u2017-\u201E\u2020-\u2022\u2026\u2030\u2032-\u2033\u2039-\u203A\u203C\u203E\u2044\u207F\u20A3-\u20A4\u20A7\u20AC\u2105\u2113\u2116\u2122\u2126\u212E\u215B-\u215E\u2190-\u2195\u2202\u2206\u220F\u2211-\u2212\u2215\u2219-\u221A\u221E-\u221F\u2229\u222B\u2248\u2260-\u2261\u2264-\u2265\u25A0-\u25A1\u25AA-\u25AC\u25B2\u25CA-\u25CB\u25CF]/gu

/** What stands for a character that the font lacks. */
export const lacking = '□'

/** A text in the characters of the PDF's font; `□` for each that it lacks, combining marks not counted. */
export function pdfText(text: string): string {
  return visible(text)
    .normalize('NFC')
    .replace(/⟨/g, '‹')
    .replace(/⟩/g, '›')
    .replace(unknown, (character) => (/\p{M}|\u200C|\u200D/u.test(character) ? '' : lacking))
}
