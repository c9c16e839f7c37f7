/** Controls but line feed and tab, and what turns the direction of the text around it: hidden characters can mislead a reader. */
// oxlint-disable-next-line no-control-regex
const misleading = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g

/** A piece of a file's text that is fit to be shown: line feeds only, no controls, half of no character. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(misleading, '')
    .replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
    .toWellFormed()
}

/** The same on one line, cut to so many characters. */
export function cleanLine(text: string, length: number): string {
  const line = cleanText(text.slice(0, 4 * length + 100))
    .replace(/\s+/g, ' ')
    .trim()
  const characters = Array.from(line)
  return characters.length <= length ? line : `${characters.slice(0, length - 1).join('')}…`
}

/** The first `length` characters of a text, of which the beginning is given. */
export function previewOf(beginning: string, length: number): string {
  return Array.from(cleanText(beginning)).slice(0, length).join('').trimEnd()
}
