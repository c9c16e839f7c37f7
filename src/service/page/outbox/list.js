import { find, region, setText, stamp } from '../dom.js'
import { size, visible } from '../text.js'
import { mailboxesText, shortTime } from './mailbox.js'

/**
 * @typedef {import('./mailbox.js').Mailbox} Mailbox
 * @typedef {{ id: string, from: Mailbox | null, to: Mailbox[], subject: string | null, date: string | null,
 *   storedAt: string, size: number, attachments: number, preview: string }} Summary
 * @typedef {{ messages: Summary[], next: string | null, total: number }} Page
 */

const rows = find(region('#list'), 'ol', HTMLOListElement)
const older = find(document, '#older', HTMLButtonElement)

/** What is on show, newest first. @type {Map<string, { summary: Summary, row: HTMLElement }>} */
let shown = new Map()
/** @type {string | null} */
let next = null
/** Not looked at since they came while somebody watched. @type {Set<string>} */
const fresh = new Set()
let started = false

/** @param {Summary} summary */
function rowOf({ id, from, to, subject, storedAt, size: bytes, attachments, preview }) {
  const isMessage = from || to.length || subject
  const row = stamp('#row-template')
  const link = find(row, 'a', HTMLAnchorElement)
  const time = find(row, 'time', HTMLTimeElement)
  row.dataset.id = id
  link.href = `#${id}`
  time.dateTime = storedAt
  time.title = new Date(storedAt).toLocaleString()
  setText(time, shortTime(storedAt))
  setText(find(row, '.to', HTMLElement), to.length ? mailboxesText(to) : isMessage ? 'Nobody' : `${id}.eml`)
  setText(
    find(row, '.subject', HTMLElement),
    subject ? visible(subject) : isMessage ? 'No subject' : 'Not a message',
  )
  setText(find(row, '.preview', HTMLElement), visible(preview) || size(bytes))
  const files = attachments === 1 ? '1 file' : `${attachments} files`
  setText(find(row, '.files', HTMLElement), attachments ? files : '')
  return row
}

/**
 * The newest messages: what is on show and older stays, what is gone goes. Gives the ids of those that came.
 * @param {Page} page
 */
export function showNewest(page) {
  const { messages } = page
  const ids = new Set(messages.map(({ id }) => id))
  const last = messages.at(-1)
  const joined = messages.some(({ id }) => shown.has(id))
  // Without a message that both have, something may lie between them.
  const kept =
    page.next === null || !joined ? [] : [...shown.values()].filter(({ summary }) => isOlder(summary, last))
  if (page.next === null || kept.length === 0) next = page.next
  const came = started ? messages.filter(({ id }) => !shown.has(id)).map(({ id }) => id) : []
  for (const id of came) fresh.add(id)
  started = true
  arrange([...messages, ...kept.map(({ summary }) => summary).filter(({ id }) => !ids.has(id))])
  return came
}

/** @param {Page} page that follows those on show */
export function showOlder(page) {
  next = page.next
  const added = page.messages.filter(({ id }) => !shown.has(id))
  arrange([...[...shown.values()].map(({ summary }) => summary), ...added])
}

/** @param {Summary} a @param {Summary | undefined} b */
function isOlder(a, b) {
  if (!b) return false
  return a.storedAt < b.storedAt || (a.storedAt === b.storedAt && a.id < b.id)
}

/** @param {Summary[]} summaries */
function arrange(summaries) {
  const before = shown
  shown = new Map(summaries.map((summary) => [summary.id, { summary, row: rowFor(summary, before) }]))
  // First of all, so that what stays need not be moved: a row that is moved loses the focus.
  for (const [id, { row }] of before) if (shown.get(id)?.row !== row) row.remove()
  let place = rows.firstElementChild
  for (const [id, { row }] of shown) {
    row.classList.toggle('fresh', fresh.has(id))
    if (row === place) place = place.nextElementSibling
    else rows.insertBefore(row, place)
  }
  older.hidden = next === null
}

/** The row that is there already, unless the message was written anew. @param {Summary} summary @param {typeof shown} before */
function rowFor(summary, before) {
  const known = before.get(summary.id)
  const same = known?.summary.storedAt === summary.storedAt && known.summary.size === summary.size
  return known && same ? known.row : rowOf(summary)
}

/** The `cursor` of what follows. */
export const nextCursor = () => next

/** @param {string} id */
export function mark(id) {
  fresh.delete(id)
  for (const [of, { row }] of shown) {
    const link = find(row, 'a', HTMLAnchorElement)
    if (of === id) link.setAttribute('aria-current', 'true')
    else link.removeAttribute('aria-current')
    row.classList.toggle('fresh', fresh.has(of))
  }
}

/**
 * The message before or behind one in the list, or the first of all.
 * @param {string} id
 * @param {1 | -1} step
 */
export function neighbour(id, step) {
  const ids = [...shown.keys()]
  const at = ids.indexOf(id)
  return at === -1 ? ids[0] : ids[at + step]
}

/** @param {string} id */
export function focusRow(id) {
  const row = shown.get(id)?.row
  if (row) find(row, 'a', HTMLAnchorElement).focus()
}

/** @param {string} id */
export function drop(id) {
  arrange([...shown.values()].map(({ summary }) => summary).filter((summary) => summary.id !== id))
}
