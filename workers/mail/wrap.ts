/** Characters of a line, as RFC 5322 asks for. */
const width = 78

/** Quotes, and the marker of a list's item, at the beginning of a line. */
const opening = /^(?:\s{0,30}>)*\s{0,30}(?:(?:[-*+]|\d{1,9}[.)]) {1,3})?/
const fence = /^\s{0,3}(?:```|~~~)/

/** Lines that mean something only as a whole: rows of tables, code by its indentation, headings. */
const whole = /^(?:\s*\||\t| {4}|#)/

/**
 * Breaks the long lines of a text at spaces, so that they have at most 78 characters where words allow it. As
 * Markdown it means what it meant before: quotes and items of lists go on in the next line, code and tables stay as
 * they are.
 */
export function wrap(text: string): string {
  let fenced = false
  const lines = text.split(/\r\n|\r|\n/).map((line) => {
    if (fence.test(line)) fenced = !fenced
    return fenced || line.length <= width || whole.test(line) ? line : broken(line)
  })
  return lines.join('\n')
}

function broken(line: string): string {
  const prefix = opening.exec(line)![0]
  // A quote goes on as a quote, an item of a list under its first word.
  const next = prefix.replace(/[^\s>]/g, ' ')
  const lines: string[] = []
  let last = prefix
  let empty = true
  for (const word of line.slice(prefix.length).split(/ +/)) {
    if (!empty && last.length + 1 + word.length > width) {
      lines.push(last)
      ;[last, empty] = [next, true]
    }
    last += empty ? word : ` ${word}`
    empty = false
  }
  // Two spaces at the end of a line are a line break.
  return [...lines, line.endsWith('  ') ? `${last}  `.replace(/ {2,}$/, '  ') : last].join('\n')
}
