/** Shares of the size of the letters, roughly as in Helvetica and Arial; what is not here is of the usual width. */
const narrow = /[ .,:;'|!ijlI()[\]ftr\-/]/
const broad = /[A-Z%@mw&—…<>=+~]/
/** Ideographs, kana, hangul, full-width forms and emoji fill a square. */
const square =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\u{1F000}-\u{3FFFD}]/u

/** About how wide a text is, never far too narrow: a surface that knows its fonts measures, the page does not. */
export function widthOf(text: string, size: number): number {
  let width = 0
  for (const character of text)
    width += square.test(character) ? 1 : narrow.test(character) ? 0.34 : broad.test(character) ? 0.82 : 0.57
  return width * size
}

/** A text with an ellipsis for what is past a width. */
export function cutToWidth(text: string, width: number, size: number): string {
  if (widthOf(text, size) <= width) return text
  const room = width - widthOf('…', size)
  let [kept, used] = ['', 0]
  for (const character of text) {
    used += widthOf(character, size)
    if (used > room) break
    kept += character
  }
  return `${kept}…`
}
