import type { TableProfile } from '../files/table.ts'
import type { ColumnProfile } from '../files/table/profile.ts'
import { count, counted, share } from './format.ts'
import { filledCells, isIdentifier } from './identifier.ts'
import { cut } from './visible.ts'

/** Columns that a sentence names. */
const maxNames = 5
/** Characters of a name or value in a sentence. */
const maxName = 60
/** The share of empty cells from which a column is worth a word. */
const many = 0.2

/** What a person should know before trusting the figures: at most a dozen sentences, with names as they are in the file. */
export function notesOn(table: TableProfile): string[] {
  return [...rowNotes(table), ...columnNotes(table)]
}

function rowNotes({ rows, width, columns, header, ragged, quotes }: TableProfile): string[] {
  const notes: string[] = []
  if (rows === 0) notes.push('There are no rows below the header.')
  if (!header) notes.push('The first row does not name the columns, so they are numbered here.')
  if (columns.length < width)
    notes.push(`Only the first ${count(columns.length)} of ${counted(width, 'column')} are looked at.`)
  if (ragged.count > 0) {
    const which = [
      ...(ragged.shorter > 0 ? [`${count(ragged.shorter)} with fewer`] : []),
      ...(ragged.longer > 0 ? [`${count(ragged.longer)} with more`] : []),
    ]
    const first = ragged.first === undefined ? '' : `; the first is row ${count(ragged.first)}`
    const several = `${counted(ragged.count, 'row')} ${ragged.count === 1 ? 'does' : 'do'} not have`
    notes.push(`${several} ${counted(width, 'cell')} like the others: ${which.join(', ')}${first}.`)
  }
  if (quotes !== undefined && quotes.stray > 0) {
    const first = quotes.first === undefined ? '' : `, first in row ${count(quotes.first)}`
    notes.push(`${counted(quotes.stray, 'cell')} went on behind a closing quote${first}: taken as they read.`)
  }
  if (quotes?.unclosed !== undefined)
    notes.push(`The file ends inside a quoted cell of row ${count(quotes.unclosed)}: it may be cut.`)
  return notes
}

function columnNotes({ rows, columns }: TableProfile): string[] {
  if (rows === 0) return []
  const notes: string[] = []
  const say = (found: readonly ColumnProfile[], one: (name: string) => string, several = one) => {
    if (found.length > 0) notes.push((found.length === 1 ? one : several)(named(found)))
  }

  const empty = columns.filter((column) => filledCells(column) === 0)
  say(
    empty,
    (name) => `${name} holds nothing.`,
    (names) => `${names} hold nothing.`,
  )
  const sparse = columns
    .filter((column) => filledCells(column) > 0 && filledCells(column) < (1 - many) * rows)
    .toSorted((a, b) => filledCells(a) - filledCells(b))
  if (sparse.length > 0) {
    const named = sparse
      .slice(0, maxNames)
      .map((column) => `${quoted(column.name)} (${share(rows - filledCells(column), rows)})`)
    notes.push(`Often empty: ${listed(named, sparse.length)}.`)
  }
  say(
    columns.filter((column) => column.distinct === 1 && filledCells(column) > 1),
    (name) => `${name} has the same value wherever it has one.`,
    (names) => `${names} have one value each, the same in all rows that have one.`,
  )
  say(
    columns.filter(isIdentifier),
    (name) => `${name} is different in each row: probably an identifier, so it has no chart.`,
    (names) => `${names} are different in each row: probably identifiers, so they have no charts.`,
  )
  for (const column of columns.filter(({ type }) => type === 'mixed').slice(0, maxNames)) {
    notes.push(mixedNote(column))
  }
  say(
    columns.filter(({ ambiguous }) => ambiguous),
    (name) => `${name} never tells whether the day or the month comes first, so its dates have no chart.`,
    (names) => `${names} never tell whether the day or the month comes first, so their dates have no charts.`,
  )
  return notes
}

function mixedNote(column: ColumnProfile): string {
  const { types, mostly } = column
  const alike: Partial<Record<string, (keyof typeof types)[]>> = {
    integer: ['integer', 'number'],
    number: ['integer', 'number'],
    date: ['date', 'datetime'],
    datetime: ['date', 'datetime'],
  }
  const what =
    { integer: 'whole numbers', number: 'numbers', boolean: 'yes or no' }[mostly as 'integer'] ?? 'dates'
  const kinds = alike[mostly ?? ''] ?? ['boolean']
  const others = filledCells(column) - kinds.reduce((sum, kind) => sum + (types[kind] ?? 0), 0)
  return `${quoted(column.name)} is mostly ${what}, but ${counted(others, 'cell')} ${others === 1 ? 'is' : 'are'} not.`
}

function named(columns: readonly ColumnProfile[]): string {
  const names = columns.slice(0, maxNames).map(({ name }) => quoted(name))
  return listed(names, columns.length)
}

function listed(shown: readonly string[], all: number): string {
  const left = all - shown.length
  const parts = left > 0 ? [...shown, `${count(left)} more`] : [...shown]
  const last = parts.pop()!
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`
}

function quoted(name: string): string {
  return `“${cut(name, maxName)}”`
}
