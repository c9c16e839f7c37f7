import { find, make, region, setText, stamp } from '../dom.js'
import { problemNodes } from '../problem.js'
import { parseObject, visible } from '../text.js'
import { mailboxesText } from './mailbox.js'
import { request } from './request.js'
import { attachmentsView, headersView, htmlView, sourceView, textView } from './views.js'

/** @typedef {import('./views.js').Message} Message */

const reader = region('#reader')
/** What was chosen stays chosen from message to message. */
let chosen = 'html'
let width = 'desktop'
let wanted = ''

/**
 * @param {string} id
 * @param {{ remove: (id: string) => void, missing: () => void }} on
 */
export async function showMessage(id, on) {
  wanted = id
  const answer = await request(id)
  // Somebody has gone on to another one.
  if (wanted !== id) return
  const message = answer.status === 200 ? parseObject(answer.text) : null
  if (message) return showWhole(message, on.remove)
  if (answer.status === 404) on.missing()
  const back = make('a', { className: 'back', href: '#', textContent: 'All messages' })
  const text = answer.status === 404 ? ['This message is gone.'] : problemNodes(answer)
  reader.replaceChildren(make('div', { className: 'blank' }, back, make('p', {}, ...text)))
}

export function showNone() {
  wanted = ''
  reader.replaceChildren(make('p', { className: 'blank', textContent: 'Choose a message to read it.' }))
}

/** @param {Message} message @param {(id: string) => void} remove */
function showWhole(message, remove) {
  const { id, subject } = message
  const shown = stamp('#message-template')
  const title = subject ? visible(subject) : 'No subject'
  setText(find(shown, 'h2 bdi', HTMLElement), title)
  find(shown, '.people', HTMLElement).append(...people(message))
  const download = find(shown, '.download', HTMLAnchorElement)
  download.href = `${id}/source`
  download.download = `${id}.eml`
  find(shown, '.delete', HTMLButtonElement).addEventListener('click', () => remove(id))
  reader.replaceChildren(shown)
  addViews(shown, message)
  addWidths(shown)
  // There the list has gone, and the focus with it.
  if (isNarrow()) find(shown, 'h2', HTMLElement).focus()
}

/** Whether there is room for the list or the message, but not for both: as in outbox.css. */
export const isNarrow = () => matchMedia('(max-width: 820px)').matches

/** @param {Message} message */
function people({ from, to, cc, replyTo, date, storedAt, headers }) {
  const meant = headers.filter(({ name }) => name.toLowerCase() === 'x-original-to').map(({ value }) => value)
  const time = new Date(date ?? storedAt).toLocaleString(undefined, {
    dateStyle: 'full',
    timeStyle: 'short',
  })
  /** @type {[string, string][]} */
  const facts = [
    ['From', from ? mailboxesText([from]) : ''],
    ['To', mailboxesText(to)],
    ['Meant for', visible(meant.join(', '))],
    ['Cc', mailboxesText(cc)],
    ['Reply to', mailboxesText(replyTo)],
    [date ? 'Date' : 'Stored', time],
  ]
  return facts
    .filter(([, value]) => value !== '')
    .flatMap(([term, value]) => [
      make('dt', { textContent: term }),
      make('dd', {}, make('bdi', { textContent: value })),
    ])
}

/** @param {Message} message */
function viewsOf(message) {
  const { html, text, headers, attachments, unreadable } = message
  const files = attachments.length
  return [
    ...(html ? [{ name: 'html', label: 'HTML', view: () => htmlView(message, remoteOf(message)) }] : []),
    ...(text !== null ? [{ name: 'text', label: 'Text', view: () => textView(message) }] : []),
    ...(headers.length && unreadable === null
      ? [{ name: 'headers', label: 'Headers', view: () => headersView(message) }]
      : []),
    ...(files
      ? [{ name: 'attachments', label: `Attachments ${files}`, view: () => attachmentsView(message) }]
      : []),
    { name: 'source', label: 'Source', view: () => sourceView(message) },
  ]
}

/** The message whose remote images somebody has asked for. */
let remoteId = ''
/** @param {Message} message */
const remoteOf = ({ id }) => id === remoteId

/** @param {HTMLElement} shown @param {Message} message */
function addViews(shown, message) {
  const tabs = find(shown, '[role=tablist]', HTMLElement)
  const panel = find(shown, '[role=tabpanel]', HTMLElement)
  const views = viewsOf(message)
  panel.id = 'view'

  const buttons = views.map(({ name, label }) => {
    const button = make('button', { textContent: label, id: `tab-${name}` })
    button.setAttribute('role', 'tab')
    button.setAttribute('aria-controls', panel.id)
    button.addEventListener('click', () => open(name, true))
    return button
  })
  tabs.append(...buttons)
  tabs.addEventListener('keydown', ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key]
    if (!step) return
    const at = buttons.findIndex((button) => button.getAttribute('aria-selected') === 'true')
    const next = (at + step + buttons.length) % buttons.length
    open(views[next]?.name ?? '', true)
    buttons[next]?.focus()
  })
  open(views.find(({ name }) => name === chosen)?.name ?? views[0]?.name ?? '', false)

  /** @param {string} name @param {boolean} choose */
  function open(name, choose) {
    if (choose) chosen = name
    for (const button of buttons) {
      const selected = button.id === `tab-${name}`
      button.setAttribute('aria-selected', String(selected))
      button.tabIndex = selected ? 0 : -1
    }
    panel.setAttribute('aria-labelledby', `tab-${name}`)
    panel.dataset.view = name
    // What scrolls must be reached by keyboard; a frame is by itself.
    panel.tabIndex = name === 'html' ? -1 : 0
    find(shown, '.widths', HTMLElement).hidden = name !== 'html'
    showNote(shown, message, name, () => open(name, false))
    panel.replaceChildren(...views.filter((view) => view.name === name).map(({ view }) => view()))
  }
}

/** @param {HTMLElement} shown @param {Message} message @param {string} view @param {() => void} again */
function showNote(shown, message, view, again) {
  const { id, remote, unreadable } = message
  const note = find(shown, '.note', HTMLElement)
  const blocked = view === 'html' && remote > 0 && !remoteOf(message)
  note.hidden = unreadable === null && !blocked
  if (unreadable !== null) setText(note, `This can only be shown as source. ${unreadable}`)
  else if (blocked) {
    const load = make('button', { className: 'quiet', textContent: 'Load images' })
    load.addEventListener('click', () => {
      remoteId = id
      again()
    })
    const words = remote === 1 ? '1 remote file was not loaded.' : `${remote} remote files were not loaded.`
    note.replaceChildren(words, ' ', load)
  }
}

/** @param {HTMLElement} shown */
function addWidths(shown) {
  const buttons = [...find(shown, '.widths', HTMLElement).querySelectorAll('button')]
  const panel = find(shown, '[role=tabpanel]', HTMLElement)
  const show = () => {
    panel.classList.toggle('phone', width === 'phone')
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.width === width))
  }
  for (const button of buttons) {
    button.addEventListener('click', () => {
      width = button.dataset.width ?? 'desktop'
      show()
    })
  }
  show()
}
