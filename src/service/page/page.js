/**
 * @typedef {{ id: string, kind?: string, size?: number, sha256?: string, name?: string,
 *   variants?: { name: string, width: number, height: number, size: number }[] }} FileResult
 * @typedef {{ messageId?: string, response?: string }} MailResult
 * @typedef {{ id: string, name: string, attempt: number, result: unknown,
 *   state: 'queued' | 'scheduled' | 'running' | 'succeeded' | 'failed' | 'cancelled',
 *   progress: { fraction: number | null, message: string | null } | null,
 *   error: { name: string, message: string, code: string | null } | null,
 *   addedAt: string, startedAt: string | null, endedAt: string | null }} Task
 * @typedef {{ status: number, text: string }} Answer  status 0: the service could not be reached
 */

const busyPause = 500
const idlePause = 3000
const answerLimit = 10_000
const endedStates = new Set(['succeeded', 'failed', 'cancelled'])

/**
 * @template {Element} E
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {new () => E} type
 * @returns {E}
 */
function find(parent, selector, type) {
  const element = parent.querySelector(selector)
  if (element instanceof type) return element
  throw new Error(`Expected ${type.name} at ${selector}`)
}

/** @param {string} selector */
const region = (selector) => find(document, selector, HTMLElement)

/** @param {string} selector */
function stamp(selector) {
  const copy = document.importNode(find(document, selector, HTMLTemplateElement).content, true)
  return /** @type {HTMLElement} */ (copy.firstElementChild)
}

/**
 * @param {string} tag
 * @param {Record<string, unknown>} properties
 * @param {(Node | string)[]} children
 */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

/**
 * Control, format and bidi characters as code points, so that a name cannot pass for another one.
 * @param {unknown} text
 */
function visible(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0
    return `[U+${point.toString(16).toUpperCase().padStart(4, '0')}]`
  })
}

/** @param {unknown} text */
const visibleLines = (text) => String(text).split(/\r?\n/).map(visible).join('\n')

/**
 * Leaves the node alone when nothing changed, so that a selection in it survives the next poll.
 * @param {Element} element
 * @param {string} text
 */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** @param {number} ms */
function duration(ms) {
  if (ms < 9.95) return `${ms.toFixed(1).replace('.0', '')} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_500) return `${(bytes / 1e3).toFixed(1)} kB`
  if (bytes < 999_500_000) return `${(bytes / 1e6).toFixed(1)} MB`
  return `${(bytes / 1e9).toFixed(2)} GB`
}

/** @param {string} text @returns {any} the value, or null when it is not a JSON object */
function parseObject(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/**
 * What went wrong, for people: the problem document's words where there is one.
 * @param {Answer} answer
 */
function problemNodes({ status, text }) {
  if (status === 0) return ['The service did not answer.']
  const { title, detail, code } = parseObject(text) ?? {}
  const sentence = [title ?? `The service answered ${status}.`, detail].filter(Boolean).join(': ')
  /** @type {(Node | string)[]} */
  const nodes = [visibleLines(sentence)]
  if (code) nodes.push(' ', make('code', { textContent: visible(code) }))
  if (status === 401) nodes.push(' ', make('a', { href: 'login', textContent: 'Log in' }))
  return nodes
}

// Asking the service for work

/**
 * @param {string} path
 * @param {{ body?: FormData | string, sent?: (fraction: number) => void }} options
 * @returns {Promise<Answer & { took: number, wait: number }>} took: ms from the start of the request to the
 *   answer; wait: ms of these after the last byte had left
 */
function post(path, { body, sent } = {}) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    const start = performance.now()
    let lastByte = start
    request.upload.onprogress = (event) => event.lengthComputable && sent?.(event.loaded / event.total)
    request.upload.onload = () => {
      lastByte = performance.now()
    }
    request.onloadend = () => {
      const end = performance.now()
      resolve({ status: request.status, text: request.responseText, took: end - start, wait: end - lastByte })
    }
    request.open('POST', path)
    request.setRequestHeader('Accept', 'application/json, application/problem+json')
    if (typeof body === 'string') request.setRequestHeader('Content-Type', 'application/json')
    request.send(body)
  })
}

/** @param {Element} card @param {HTMLElement} answer */
function addAnswer(card, answer) {
  const answers = find(card, '.answers', HTMLElement)
  answers.prepend(answer)
  for (const old of [...answers.children].slice(card === uploadCard ? 3 : 1)) old.remove()
}

/**
 * Posts, and keeps the newest answers of this card on show.
 * @param {Element} card
 * @param {string} path
 * @param {{ body?: FormData | string, subject?: string }} options
 */
async function ask(card, path, { body, subject = '' } = {}) {
  const shown = stamp('#answer-template')
  const bar = find(shown, 'progress', HTMLProgressElement)
  const status = find(shown, '.status', HTMLElement)
  const time = find(shown, '.time', HTMLElement)
  const text = find(shown, '.answer-text', HTMLElement)
  setText(status, 'Sending')
  setText(text, subject)
  addAnswer(card, shown)

  const answer = await post(path, {
    body,
    sent: (fraction) => {
      bar.hidden = fraction === 1
      bar.value = fraction
    },
  })
  bar.hidden = true
  const accepted = answer.status >= 200 && answer.status < 300
  shown.classList.add(accepted ? 'accepted' : 'refused')
  setText(status, answer.status === 0 ? 'No answer' : String(answer.status))
  setText(time, `in ${duration(answer.took)}`)
  if (body instanceof FormData && answer.took > 1000) {
    setText(time, `in ${duration(answer.took)}, ${duration(answer.wait)} after the last byte`)
  }
  const message = () => visibleLines(parseObject(answer.text)?.message ?? 'Accepted')
  text.replaceChildren(...(accepted ? [message()] : problemNodes(answer)))
  if (subject) text.append(make('bdi', { className: 'subject', textContent: subject }))
  void watch()
}

/** @param {File[]} files */
function upload(files) {
  const body = new FormData()
  for (const file of files) body.append('file', file)
  const names = files
    .slice(0, 5)
    .map((file) => `${visible(file.name)} (${size(file.size)})`)
    .join(', ')
  const subject = files.length > 5 ? `${names} and ${files.length - 5} more` : names
  return ask(uploadCard, 'upload-file', { body, subject })
}

/**
 * @param {string} selector
 * @param {(card: Element, field: (name: string) => string) => Promise<void>} send
 */
function onSubmit(selector, send) {
  const form = find(document, selector, HTMLFormElement)
  let busy = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (busy) return
    busy = true
    const fields = new FormData(form)
    await send(/** @type {Element} */ (form.closest('.card')), (name) => String(fields.get(name) ?? ''))
    busy = false
  })
}

const uploadCard = /** @type {Element} */ (region('#upload').closest('.card'))
const picker = find(document, '#files', HTMLInputElement)
picker.addEventListener('change', () => {
  if (picker.files?.length) void upload([...picker.files])
  picker.value = ''
})

/** @param {DragEvent} event */
const carriesFiles = (event) => event.dataTransfer?.types.includes('Files') ?? false

addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  document.body.classList.add('dropping')
})
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dropping')
})
addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  document.body.classList.remove('dropping')
  const items = [...(event.dataTransfer?.items ?? [])].filter((item) => !item.webkitGetAsEntry()?.isDirectory)
  const files = items.map((item) => item.getAsFile()).filter((file) => file !== null)
  if (files.length) return void upload(files)
  addAnswer(uploadCard, make('p', { className: 'answer refused', textContent: 'Expected files, got none.' }))
})

onSubmit('#mail', (card, field) => {
  const to = field('to')
    .split(',')
    .map((address) => address.trim())
    .filter(Boolean)
  const mail = { to: to.length === 1 ? to[0] : to, subject: field('subject'), text: field('text') }
  return ask(card, 'send-email', { body: JSON.stringify(mail) })
})

onSubmit('#notification', (card, field) => {
  const query = new URLSearchParams()
  for (const name of ['q', 'message']) if (field(name)) query.set(name, field(name))
  const path = `send-notification/${encodeURIComponent(field('email'))}`
  return ask(card, query.size ? `${path}?${query}` : path)
})

// The icon of the tab, made here so that the browser does not ask the host's root for a favicon.ico

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <path fill="#f0a03c" d="M6 17a10 10 0 0 1 20 0z"/>
  <path fill="#5b7fe8" d="M1 17h30v3H1zM6 22h20v3H6zM11 27h10v3H11z"/></svg>`
const iconUrl = URL.createObjectURL(new Blob([icon], { type: 'image/svg+xml' }))
document.head.append(make('link', { rel: 'icon', type: 'image/svg+xml', href: iconUrl }))

// Watching the tasks

/** @type {Map<string, { row: HTMLElement, state: string, result: string }>} */
const shownTasks = new Map()
const table = region('#tasks')
const tableBody = find(table, 'tbody', HTMLElement)

/** @param {[string, unknown][]} facts */
function factsDetails(facts) {
  const known = facts.filter(([, value]) => value !== undefined && value !== null)
  const list = known.flatMap(([term, value]) => [
    make('dt', { textContent: term }),
    make('dd', { textContent: visibleLines(value) }),
  ])
  return make('details', {}, make('summary', { textContent: 'Details' }), make('dl', {}, ...list))
}

/** @param {FileResult} file */
function fileNodes(file) {
  const href = `files/${encodeURIComponent(file.id)}`
  const thumbnails = (file.variants ?? []).map(({ name, width, height, size: bytes }) => {
    const source = `${href}/${encodeURIComponent(name)}`
    const caption = visible(`${name}, ${width} × ${height}, ${size(bytes)}`)
    return make(
      'a',
      { href: source, title: caption },
      make('img', { alt: caption, width, height, decoding: 'async', src: source }),
    )
  })
  const original = make(
    'a',
    { href, className: 'original' },
    make('bdi', { textContent: visible(file.name ?? 'Original file') }),
  )
  const details = factsDetails([
    ['Kind', file.kind],
    ['Size', file.size === undefined ? undefined : size(file.size)],
    ['SHA-256', file.sha256],
  ])
  if (thumbnails.length === 0) return [original, details]
  return [make('div', { className: 'thumbnails' }, ...thumbnails), original, details]
}

/** @param {Task} task */
function resultNodes({ name, state, result }) {
  if (state !== 'succeeded' || typeof result !== 'object' || result === null) return []
  if (name === 'files.processFile' && 'id' in result) return fileNodes(/** @type {FileResult} */ (result))
  if (name === 'mail.sendEmail') {
    const mail = /** @type {MailResult} */ (result)
    return [
      factsDetails([
        ['Message id', mail.messageId],
        ['Response', mail.response],
      ]),
    ]
  }
  return [
    factsDetails(
      Object.entries(result).map(([key, value]) => [
        key,
        typeof value === 'object' ? JSON.stringify(value, null, 2) : value,
      ]),
    ),
  ]
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
async function watch() {
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
      if (tasks.some((task) => !endedStates.has(task.state))) pause = busyPause
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
void watch()
