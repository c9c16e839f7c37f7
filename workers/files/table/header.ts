import { CellTypes } from './cell.ts'

/** Characters of a column's name that are kept. */
const maxName = 100

/**
 * Whether the first row names the columns: its cells are words, none of them twice, and none comes again below it; where
 * columns hold numbers or dates, words above them are enough. Years above columns of numbers are names, too.
 */
export function looksLikeHeader(first: readonly string[], rows: readonly string[][]): boolean {
  const types = new CellTypes()
  const names = first.map((cell) => cell.trim())
  const isWord = (cell: string) => types.read(cell, 0, cell.length) === 'string'
  const words = names.filter(isWord).length
  const filled = names.filter((name) => name !== '').length
  if (words === 0 || rows.length === 0) return false
  if (words < filled && !isYears(names)) return false
  const contrasts = names.some((name, column) => {
    if (!isWord(name)) return false
    const below = rows.map((row) => (row[column] ?? '').trim()).filter((cell) => cell !== '')
    const typed = below.filter((cell) => !isWord(cell)).length
    return below.length > 0 && typed / below.length > 0.8
  })
  if (contrasts) return true
  if (filled < names.length || new Set(names).size < names.length) return false
  return !rows.some((row) => names.some((name, column) => row[column]?.trim() === name))
}

/** `country,1990,1991,1992`: words before, then at least three years that ascend. */
function isYears(names: readonly string[]): boolean {
  const start = names.findIndex((name) => /^(?:19|20)\d\d$/u.test(name))
  if (start < 1 || names.length - start < 3) return false
  return names
    .slice(start)
    .every((name, index, years) => /^(?:19|20)\d\d$/u.test(name) && (index === 0 || name > years[index - 1]!))
}

/**
 * The names of a table's columns: those of its header, without spaces around them, cut to 100 characters; `column 3` where
 * there is none, and ` (2)` behind one that was there before.
 */
export function columnNames(header: readonly string[] | null, width: number): string[] {
  const taken = new Set<string>()
  const next = new Map<string, number>()
  return Array.from({ length: width }, (_, column) => {
    const plain = legible((header?.[column] ?? '').trim(), maxName) || `column ${column + 1}`
    let name = plain
    // Counting on from the last one keeps a header of one name, 16,384 times, from taking minutes.
    for (let count = next.get(plain) ?? 2; taken.has(name); count++) {
      name = `${plain} (${count})`
      next.set(plain, count + 1)
    }
    taken.add(name)
    return name
  })
}

/** Text from a file as it can be shown and stored: cut with an ellipsis, control characters and half characters replaced. */
export function legible(text: string, length: number): string {
  const cut = text.length > length ? `${text.slice(0, length - 1)}…` : text
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return cut.toWellFormed().replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/gu, '\ufffd')
}
