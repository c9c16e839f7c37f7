import { make } from '../dom.js'
import { problemNodes } from '../problem.js'
import { size, visible, visibleLines } from '../text.js'
import { requestBeginning } from './request.js'

/**
 * @typedef {import('./mailbox.js').Mailbox} Mailbox
 * @typedef {{ number: number, name: string, type: string, size: number, contentId: string | null }} Attachment
 * @typedef {{ id: string, from: Mailbox | null, to: Mailbox[], cc: Mailbox[], replyTo: Mailbox[], size: number,
 *   subject: string | null, date: string | null, storedAt: string, headers: { name: string, value: string }[],
 *   text: string | null, html: boolean, remote: number, attachments: Attachment[], cut: boolean,
 *   unreadable: string | null }} Message
 */

/** Bytes of the source that are shown. */
const maxSource = 256 * 1024

/** Links in it open new tabs; nothing else of it may run or load. @param {Message} message @param {boolean} remote */
export function htmlView({ id }, remote) {
  const frame = document.createElement('iframe')
  frame.title = 'The message as HTML'
  // Before it has an address: what is loaded already is not bound by it.
  frame.setAttribute('sandbox', 'allow-popups allow-popups-to-escape-sandbox')
  frame.src = `${id}/html${remote ? '?images=remote' : ''}`
  return frame
}

/** @param {Message} message */
export function textView({ text, cut }) {
  const pre = make('pre', { textContent: visibleText(text ?? '') })
  return cut
    ? make('div', {}, pre, make('p', { className: 'rest', textContent: 'The rest is in the source.' }))
    : pre
}

/** @param {Message} message */
export function headersView({ headers }) {
  const list = headers.flatMap(({ name, value }) => [
    make('dt', { textContent: visible(name) }),
    make('dd', {}, make('bdi', { textContent: visibleText(value) })),
  ])
  return make('dl', { className: 'headers' }, ...list)
}

/** @param {Message} message */
export function attachmentsView({ id, attachments }) {
  const items = attachments.map(({ number, name, type, size: bytes, contentId }) => {
    const href = `${id}/attachments/${number}`
    const isPicture = /^image\/(png|jpeg|gif|webp|avif)$/.test(type)
    const picture = isPicture ? [make('img', { src: href, alt: '', loading: 'lazy' })] : []
    const facts = [visible(type), size(bytes), ...(contentId ? [`shown as cid:${visible(contentId)}`] : [])]
    return make(
      'li',
      {},
      ...picture,
      make('a', { href, download: '' }, make('bdi', { textContent: visible(name) })),
      make('p', { textContent: facts.join(', ') }),
    )
  })
  return make('ul', { className: 'attachments' }, ...items)
}

/** @param {Message} message */
export function sourceView({ id }) {
  const pre = make('pre', { className: 'source', textContent: 'Loading' })
  const view = make('div', {}, pre)
  void requestBeginning(`${id}/source`, maxSource).then((answer) => {
    if (answer.status !== 200) return pre.replaceChildren(...problemNodes(answer))
    pre.textContent = visibleText(answer.text)
    if (answer.size <= maxSource) return undefined
    const words = `These are the first ${size(maxSource)} of ${size(answer.size)}; the download has all.`
    return view.append(make('p', { className: 'rest', textContent: words }))
  })
  return view
}

/** Lines and tabs stay what they are. @param {string} text */
const visibleText = (text) => text.split('\t').map(visibleLines).join('\t')
