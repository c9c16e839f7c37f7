import { make } from './dom.js'
import { visibleLines } from './text.js'

const maxRows = 100

/**
 * Whatever a task gave, for people: objects as terms and values, lists of objects as tables.
 * @param {unknown} value
 * @returns {Node}
 */
function valueNode(value) {
  if (Array.isArray(value)) {
    const isRow = (/** @type {unknown} */ row) =>
      typeof row === 'object' && row !== null && !Array.isArray(row)
    if (value.length > 0 && value.every(isRow)) return rowsTable(value)
    return document.createTextNode(value.slice(0, maxRows).map(plain).join(', '))
  }
  if (typeof value === 'object' && value !== null) return termList(Object.entries(value))
  return document.createTextNode(plain(value))
}

/**
 * On one line, as in a cell: `integer 60, string 2`.
 * @param {unknown} value
 * @returns {string}
 */
function plain(value) {
  if (value === true) return 'yes'
  if (value === false) return 'no'
  if (Array.isArray(value)) return value.slice(0, maxRows).map(plain).join(', ')
  if (typeof value === 'object' && value !== null) return Object.values(value).map(plain).join(' ')
  return visibleLines(value)
}

/** @param {unknown} value an object's keys tell what its values are */
function cellText(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return plain(value)
  return Object.entries(value)
    .map(([key, item]) => `${words(key).toLowerCase()} ${plain(item)}`)
    .join(', ')
}

/** @param {string} key such as `longestLine` */
function words(key) {
  const spaced = visibleLines(key).replace(
    /([a-z\d])([A-Z])/g,
    (_, end, start) => `${end} ${start.toLowerCase()}`,
  )
  return spaced.charAt(0).toUpperCase() + spaced.slice(1)
}

/** @param {Record<string, unknown>[]} rows */
function rowsTable(rows) {
  const shown = rows.slice(0, maxRows)
  const keys = [...new Set(shown.flatMap((row) => Object.keys(row)))]
  const head = make('tr', {}, ...keys.map((key) => make('th', { scope: 'col', textContent: words(key) })))
  const body = shown.map((row) =>
    make(
      'tr',
      {},
      ...keys.map((key) => make('td', { textContent: row[key] === undefined ? '' : cellText(row[key]) })),
    ),
  )
  const table = make('table', { className: 'rows' }, make('thead', {}, head), make('tbody', {}, ...body))
  const rest = rows.length - shown.length
  const more = rest > 0 ? [make('p', { textContent: `and ${rest} more` })] : []
  // Focusable, or its end could not be reached by keyboard.
  return make('div', { className: 'rows-frame', tabIndex: 0 }, table, ...more)
}

/** @param {[string, unknown][]} facts */
function termList(facts) {
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== '')
  return make(
    'dl',
    {},
    ...known.flatMap(([term, value]) => [
      make('dt', { textContent: words(term) }),
      make('dd', {}, valueNode(value)),
    ]),
  )
}

/** Facts behind a word to click on. @param {[string, unknown][]} facts */
export function factsDetails(facts) {
  return make('details', {}, make('summary', { textContent: 'Details' }), termList(facts))
}
