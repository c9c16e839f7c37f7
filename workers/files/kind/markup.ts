import { markdownEvidence } from './markdown.ts'
import type { TextKind } from './text.ts'

const html = { extension: 'html', mime: 'text/html' }
const xml = { extension: 'xml', mime: 'application/xml' }
const svg = { family: 'image', extension: 'svg', mime: 'image/svg+xml' } as const

/** What a fragment of a page begins with; other elements without an XML declaration are XML if the file ends as they do. */
const htmlElements = new Set(
  `html head body title meta link style script base div span p a table thead tbody tr td th ul ol li dl h1 h2 h3 h4 h5 h6
  img br hr form input button select nav header footer main section article aside iframe font center b i strong em pre
  blockquote noscript template video audio picture figure details dialog`.split(/\s+/),
)

/**
 * SVG, HTML or XML, by the root element that comes after the declaration, comments and document type.
 * @param text what the file begins with
 * @param end what it ends with; the same as the text when that is the whole file
 */
export function markupKind(text: string, end: string): TextKind | undefined {
  if (!text.startsWith('<')) return undefined
  const { declared, doctype, at } = skipProlog(text)
  const name = /^<([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?)(?=[\s/>]|$)/.exec(text.slice(at, at + 200))?.[1]
  const local = name?.replace(/^.*:/, '').toLowerCase()
  if (local === 'svg' || (name === undefined && doctype === 'svg')) return svg
  if (local === 'html' && declared) return { extension: 'html', mime: 'application/xhtml+xml' }
  if (doctype === 'html') return html
  if (declared || (doctype !== undefined && name !== undefined)) return xml
  if (name === undefined) return undefined
  // A README often begins with a picture in an HTML element.
  if (htmlElements.has(name.toLowerCase())) return markdownEvidence(text) === 'strong' ? undefined : html
  const closes = end.trimEnd().endsWith(`</${name}>`) || /^<[^<>]{0,1000}\/>\s*$/.test(text.slice(at))
  return closes ? xml : undefined
}

/** Where the root element begins: after white space, the declaration, processing instructions, comments, the document type. */
function skipProlog(text: string): { declared: boolean; doctype: string | undefined; at: number } {
  let declared = false
  let doctype: string | undefined
  let at = 0
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at++
    let next: number
    if (text.startsWith('<?', at)) {
      declared ||= /^<\?xml[\s?]/.test(text.slice(at, at + 6))
      next = after(text, '?>', at)
    } else if (text.startsWith('<!--', at)) {
      next = after(text, '-->', at + 4)
    } else if (/^<!doctype\s/i.test(text.slice(at, at + 10))) {
      doctype = /^[\w:.-]+/.exec(text.slice(at + 10, at + 100).trimStart())?.[0].toLowerCase() ?? ''
      next = afterDoctype(text, at)
    } else {
      return { declared, doctype, at }
    }
    if (next === -1) return { declared, doctype, at: text.length }
    at = next
  }
}

function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at === -1 ? -1 : at + mark.length
}

/** A document type may hold declarations in brackets, and those quoted text with any character in it. */
function afterDoctype(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const character = text[at]!
    if (character === '"' || character === "'") {
      at = text.indexOf(character, at + 1)
      if (at === -1) return -1
    } else if (text.startsWith('<!--', at)) {
      at = after(text, '-->', at) - 1
      if (at < 0) return -1
    } else if (character === '[' || character === '<') depth++
    else if (character === ']' || character === '>') depth--
    if (depth === 0) return at + 1
  }
  return -1
}
