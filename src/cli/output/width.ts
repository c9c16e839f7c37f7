const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** East Asian characters of two columns, and emoji that are shown as pictures; what terminals agree on. */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18CFF}\u{1AFF0}-\u{1B2FF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|\uFE0F/u
/** What only joins or marks the character before it. */
const nothing = /^[\p{M}\u200C\u200D]+$/u
const plain = /^[\x20-\x7e]*$/

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += columnsOf(segment)
  return width
}

/** The text in at most `width` columns, with an ellipsis where something is left out. */
export function cut(text: string, width: number): string {
  if (width <= 0) return ''
  // No character is so wide that more than this could matter.
  if (plain.test(text)) return text.length <= width ? text : `${text.slice(0, width - 1)}…`
  let kept = ''
  let used = 0
  let room = ''
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment)
    if (used > width) return `${room}…`
    kept += segment
    if (used <= width - 1) room = kept
  }
  return kept
}

/** The text in exactly `width` columns. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, width)
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return align === 'left' ? shown + space : space + shown
}

function columnsOf(segment: string): number {
  if (nothing.test(segment)) return 0
  return wide.test(segment) ? 2 : 1
}
