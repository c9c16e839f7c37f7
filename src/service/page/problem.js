import { make } from './dom.js'
import { parseObject, visible, visibleLines } from './text.js'

/** @typedef {{ status: number, text: string }} Answer  status 0: the service could not be reached */

/**
 * What went wrong, for people: the problem document's words where there is one.
 * @param {Answer} answer
 */
export function problemNodes({ status, text }) {
  if (status === 0) return ['The service did not answer.']
  const { title, detail, code } = parseObject(text) ?? {}
  const sentence = [title ?? `The service answered ${status}.`, detail].filter(Boolean).join(': ')
  /** @type {(Node | string)[]} */
  const nodes = [visibleLines(sentence)]
  if (code) nodes.push(' ', make('code', { textContent: visible(code) }))
  if (status === 401)
    nodes.push(' ', make('a', { href: new URL('login', import.meta.url), textContent: 'Log in' }))
  return nodes
}
