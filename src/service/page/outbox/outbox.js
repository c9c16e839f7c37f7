import '../icon.js'
import { find, region, setText } from '../dom.js'
import { problemNodes } from '../problem.js'
import { parseObject } from '../text.js'
import { drop, focusRow, mark, neighbour, nextCursor, showNewest, showOlder } from './list.js'
import { isNarrow, showMessage, showNone } from './message.js'
import { request } from './request.js'

const pause = 2000
const dialog = find(document, '#confirm', HTMLDialogElement)
const selected = () => location.hash.slice(1)

/** Several may be under way, but of one kind only one. @type {Set<string>} */
const busy = new Set()
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer
let total = 0
/** Counts what was deleted here: a list that was asked for before knows nothing of it. */
let deletions = 0

/** @param {string} kind @param {() => Promise<void>} act */
async function once(kind, act) {
  if (busy.has(kind)) return
  busy.add(kind)
  try {
    await act()
  } finally {
    busy.delete(kind)
  }
}

/** Looks now, and from then on by itself while the page is visible. */
function watch() {
  clearTimeout(timer)
  if (document.hidden) return
  void once('look', look).then(() => {
    clearTimeout(timer)
    timer = setTimeout(watch, pause)
  })
}

async function look() {
  const before = deletions
  const answer = await request('messages')
  if (before !== deletions) return
  const body = parseObject(answer.text)
  if (answer.status === 404 && body?.code === 'OUTBOX_NOT_USED') return showMain('unused')
  if (answer.status !== 200) return showTrouble(answer)
  region('#trouble').replaceChildren()
  const came = showNewest(body)
  mark(selected())
  showTotal(body.total)
  if (came.length)
    setText(region('#announcement'), came.length === 1 ? 'A new message' : `${came.length} new messages`)
}

/** @param {number} count */
function showTotal(count) {
  total = count
  setText(region('#count'), count === 1 ? '1 message' : `${count.toLocaleString()} messages`)
  region('#clear').hidden = count === 0
  showMain(count === 0 ? 'empty' : 'panes')
}

/** @param {'panes' | 'empty' | 'unused'} id */
function showMain(id) {
  for (const main of document.querySelectorAll('main')) main.hidden = main.id !== id
  region('#count').hidden = id !== 'panes'
}

/** @param {import('../problem.js').Answer} answer */
function showTrouble(answer) {
  const again = answer.status === 401 ? '' : ` Trying again every ${pause / 1000} seconds.`
  const nodes = [...problemNodes(answer), again]
  const text = nodes.map((node) => (typeof node === 'string' ? node : node.textContent)).join('')
  if (region('#trouble').textContent !== text) region('#trouble').replaceChildren(...nodes)
}

function showSelected() {
  const id = selected()
  document.body.classList.toggle('reading', id !== '')
  mark(id)
  if (/^[A-Za-z0-9-]+$/.test(id))
    void showMessage(id, { remove: (which) => void remove(which), missing: watch })
  else showNone()
}

/** Without a step in the history: forty arrow keys are not forty pages. @param {string} id */
function select(id) {
  history.replaceState(null, '', id ? `#${id}` : location.pathname)
  showSelected()
}

/** @param {string} id */
const remove = (id) =>
  once('remove', async () => {
    const answer = await request(id, { method: 'DELETE' })
    if (answer.status !== 204 && answer.status !== 404) return showTrouble(answer)
    deletions++
    const next = isNarrow() ? '' : (neighbour(id, 1) ?? neighbour(id, -1) ?? '')
    drop(id)
    showTotal(Math.max(0, total - 1))
    select(next)
    if (next) focusRow(next)
    watch()
  })

region('#clear').addEventListener('click', () => {
  setText(
    region('#question'),
    total === 1 ? 'Delete the one message?' : `Delete all ${total.toLocaleString()} messages?`,
  )
  dialog.returnValue = ''
  dialog.showModal()
})
dialog.addEventListener('close', () => {
  if (dialog.returnValue !== 'yes') return
  void once('remove', async () => {
    const answer = await request('messages', { method: 'DELETE' })
    deletions++
    if (answer.status !== 204) return showTrouble(answer)
    showNewest({ messages: [], next: null, total: 0 })
    showTotal(0)
    select('')
  })
})

region('#older').addEventListener('click', () =>
  once('older', async () => {
    const before = deletions
    const cursor = nextCursor()
    if (cursor === null) return
    const answer = await request(`messages?cursor=${cursor}`)
    if (answer.status !== 200) return showTrouble(answer)
    if (before !== deletions || cursor !== nextCursor()) return
    showOlder(parseObject(answer.text))
    mark(selected())
  }),
)

addEventListener('keydown', (event) => {
  const { key, target } = event
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || dialog.open) return
  // There the arrows scroll, or choose a view.
  if (target instanceof Element && target.closest('[role=tabpanel], [role=tablist]')) return
  if (key === 'ArrowDown' || key === 'ArrowUp') {
    const id = neighbour(selected(), key === 'ArrowDown' ? 1 : -1)
    event.preventDefault()
    if (!id) return
    select(id)
    focusRow(id)
  } else if (key === 'Delete' && selected() && target instanceof Element && target.closest('#list')) {
    void remove(selected())
  }
})

addEventListener('hashchange', showSelected)
document.addEventListener('visibilitychange', watch)

const example = JSON.stringify({ to: 'ada@example.org', subject: 'Hello', text: 'It works.' })
setText(region('#example'), `curl --json '${example}' ${new URL('../send-email', location.href)}`)
showSelected()
watch()
