/** A string of a PDF without control characters, on one line, cut to a length; undefined when nothing is left. */
export function cut(text: unknown, maxLength: number): string | undefined {
  if (typeof text !== 'string') return undefined
  // Cut before and after: a title may be as large as the file.
  const line = text
    .slice(0, 4 * maxLength)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, maxLength)
    .toWellFormed()
  return line === '' ? undefined : line
}
