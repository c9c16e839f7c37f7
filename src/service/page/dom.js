/**
 * @template {Element} E
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {new () => E} type
 * @returns {E}
 */
export function find(parent, selector, type) {
  const element = parent.querySelector(selector)
  if (element instanceof type) return element
  throw new Error(`Expected ${type.name} at ${selector}`)
}

/** @param {string} selector */
export const region = (selector) => find(document, selector, HTMLElement)

/** @param {string} selector */
export function stamp(selector) {
  const copy = document.importNode(find(document, selector, HTMLTemplateElement).content, true)
  return /** @type {HTMLElement} */ (copy.firstElementChild)
}

/**
 * @param {string} tag
 * @param {Record<string, unknown>} properties
 * @param {(Node | string)[]} children
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

/**
 * Leaves the node alone when nothing changed, so that a selection in it survives the next poll.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}
