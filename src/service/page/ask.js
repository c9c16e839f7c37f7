import { find, make, region, setText, stamp } from './dom.js'
import { problemNodes } from './problem.js'
import { watch } from './tasks.js'
import { duration, parseObject, size, visible, visibleLines } from './text.js'

/** @typedef {import('./problem.js').Answer} Answer */

/**
 * @param {string} path
 * @param {{ body?: FormData | string | undefined, sent?: (fraction: number) => void }} options
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
