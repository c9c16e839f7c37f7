/**
 * What could steer a terminal or pass for something else: control and format characters (bidirectional ones among
 * them), line separators and lone surrogates. The joiners of emoji and of Persian are left: they only join.
 */
export const unprintable = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * A text of somebody else's on one line of a terminal or a log: what cannot be printed safely is shown as an escape,
 * such as `\n` or `\u202e`. All else stays as it is, backslashes too.
 * @example
 * printable('photo\u202Egpj.exe') // photo\u202egpj.exe
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => short[character] ?? escaped(character.codePointAt(0)!))
}

const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(point: number): string {
  const digits = point.toString(16)
  return point > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`
}
