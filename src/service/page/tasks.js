import { find, make, region, setText, stamp } from './dom.js'
import { factsDetails } from './facts.js'
import { fileNodes, reportNodes } from './file.js'
import { problemNodes } from './problem.js'
import { duration, parseObject, visible, visibleLines } from './text.js'

/**
 * @typedef {{ messageId?: string, response?: string }} MailResult
 * @typedef {{ id: string, name: string, attempt: number, result: unknown,
 *   state: 'queued' | 'scheduled' | 'running' | 'succeeded' | 'failed' | 'cancelled',
 *   progress: { fraction: number | null, message: string | null } | null,
 *   error: { name: string, message: string, code: string | null } | null,
 *   addedAt: string, startedAt: string | null, endedAt: string | null }} Task
 * @typedef {import('./problem.js').Answer} Answer
 */

const busyPause = 500
const idlePause = 3000
const answerLimit = 10_000
const endedStates = new Set(['succeeded', 'failed', 'cancelled'])

/** @type {Map<string, { row: HTMLElement, state: string, result: string }>} */
const shownTasks = new Map()
const table = region('#tasks')
const tableBody = find(table, 'tbody', HTMLElement)

/** @param {Task} task */
function resultNodes({ name, state, result }) {
  if (state !== 'succeeded' || typeof result !== 'object' || result === null) return []
  if (name === 'files.processFile' && 'id' in result) {
    return fileNodes(/** @type {import('./file.js').FileResult} */ (result))
  }
  if (name === 'reports.summarise' && 'id' in result) {
    return reportNodes(/** @type {import('./file.js').FileResult} */ (result))
  }
  if (name === 'mail.sendEmail') {
    const mail = /** @type {MailResult} */ (result)
    const id = /^outbox\/([A-Za-z0-9-]+)\.eml$/.exec(mail.response ?? '')?.[1]
    return [
      ...(id === undefined
        ? []
        : [make('p', {}, make('a', { href: `outbox/#${id}`, textContent: 'Read it' }))]),
      factsDetails([
        ['messageId', mail.messageId],
        ['response', mail.response],
      ]),
    ]
  }
  return [factsDetails(Object.entries(result))]
}

/** @param {Task} task */
function took({ state, startedAt, endedAt }) {
  if (!startedAt || (!endedAt && state !== 'running')) return ''
  const end = endedAt ? Date.parse(endedAt) : Date.now()
  return duration(Math.max(0, end - Date.parse(startedAt)))
}

/** @param {HTMLElement} row @param {Task} task */
function fillProgress(row, { name, state, progress }) {
  const bar = find(row, 'progress', HTMLProgressElement)
  const fraction = progress?.fraction ?? null
  const stopped = (state === 'failed' || state === 'cancelled') && fraction !== null
  bar.hidden = state !== 'running' && !stopped
  bar.setAttribute('aria-label', `Progress of ${visible(name)}`)
  if (fraction === null) bar.removeAttribute('value')
  else bar.value = fraction
  setText(find(row, '.message', HTMLElement), visibleLines(progress?.message ?? ''))
}

/** @param {Task} task */
function newRow({ id, name, addedAt }) {
  const row = stamp('#row-template')
  const time = find(row, 'time', HTMLTimeElement)
  const added = new Date(addedAt)
  const today = added.toDateString() === new Date().toDateString()
  time.dateTime = addedAt
  time.title = `Task ${visible(id)}, added ${added.toLocaleString()}`
  setText(time, today ? added.toLocaleTimeString() : added.toLocaleString())
  setText(find(row, '.name', HTMLElement), visible(name))
  return row
}

/** @param {Task} task */
function showTask(task) {
  const shown = shownTasks.get(task.id) ?? { row: newRow(task), state: '', result: '' }
  shownTasks.set(task.id, shown)
  const { row } = shown
  row.dataset.state = task.state
  setText(find(row, '.pill', HTMLElement), visible(task.state))
  setText(find(row, '.attempt', HTMLElement), task.attempt ? String(task.attempt) : '')
  setText(find(row, '.took', HTMLElement), took(task))
  fillProgress(row, task)

  const error = find(row, '.error', HTMLElement)
  error.hidden = !task.error
  if (task.error) setText(error, visibleLines(`${task.error.code ?? task.error.name}: ${task.error.message}`))

  const result = JSON.stringify([task.state === 'succeeded', task.result])
  if (result !== shown.result) find(row, '.result', HTMLElement).replaceChildren(...resultNodes(task))
  shown.result = result

  const ended = shown.state && shown.state !== task.state && endedStates.has(task.state)
  shown.state = task.state
  return { row, news: ended ? `${visible(task.name)} ${task.state}` : '' }
}

/** @param {Task[]} tasks newest first */
function showTasks(tasks) {
  const ids = new Set(tasks.map((task) => task.id))
  for (const [id, { row }] of shownTasks) {
    if (ids.has(id)) continue
    row.remove()
    shownTasks.delete(id)
  }
  const news = []
  let next = tableBody.firstElementChild
  for (const task of tasks) {
    const { row, news: item } = showTask(task)
    if (item) news.push(item)
    if (row === next) next = next.nextElementSibling
    else tableBody.insertBefore(row, next)
  }
  table.hidden = tasks.length === 0
  region('#empty').hidden = tasks.length > 0
  if (news.length) setText(region('#announcement'), news.join(', '))

  const counts = ['running', 'queued', 'scheduled', 'succeeded', 'failed', 'cancelled']
    .map((state) => ({ state, count: tasks.filter((task) => task.state === state).length }))
    .filter(({ count }) => count > 0)
  setText(region('#summary'), counts.map(({ state, count }) => `${count} ${state}`).join(', '))
}

/** @param {(Node | string)[]} nodes */
function showTrouble(nodes) {
  const trouble = region('#trouble')
  const text = nodes.map((node) => (typeof node === 'string' ? node : node.textContent)).join('')
  if (trouble.textContent !== text) trouble.replaceChildren(...nodes)
}

/** @returns {Promise<Answer>} */
async function fetchTasks() {
  try {
    const signal = AbortSignal.timeout(answerLimit)
    const response = await fetch('tasks?limit=50', { cache: 'no-store', signal })
    return { status: response.status, text: await response.text() }
  } catch {
    return { status: 0, text: '' }
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer
let watching = false
let asked = false

/** Polls now, and from then on by itself while the page is visible. */
export async function watch() {
  asked = true
  if (watching || document.hidden) return
  clearTimeout(timer)
  watching = true
  asked = false
  let pause = idlePause
  try {
    const answer = await fetchTasks()
    /** @type {Task[] | undefined} */
    const tasks = answer.status === 200 ? parseObject(answer.text)?.tasks : undefined
    if (tasks) {
      showTrouble([])
      showTasks(tasks)
      if (tasks.some((task) => task.state === 'running' || task.state === 'queued')) pause = busyPause
    } else if (answer.status === 401) {
      showTrouble(problemNodes(answer))
    } else {
      const again = ` Trying again every ${idlePause / 1000} seconds; what was last seen stays on show.`
      showTrouble([...problemNodes(answer), again])
    }
  } finally {
    watching = false
    // A task added while this poll was under way may not be in its answer.
    timer = setTimeout(watch, asked ? 0 : pause)
  }
}

document.addEventListener('visibilitychange', watch)
