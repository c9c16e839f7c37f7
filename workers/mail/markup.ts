import { wrap } from './wrap.ts'

/** Characters, and elements inside each other, that are laid out: mail clients cut a page at a tenth of it. */
const maxLength = 256 * 1024
const maxDepth = 100

const tag = /<(\/?)([a-z][a-z0-9]*)/gi

/** Never closed, or closed by the next one: they say nothing about depth. */
const shallow =
  /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|p|li|dt|dd|td|th|tr|tbody|thead|tfoot|option)$/i

/** What follows one of them up to its end is not for a reader. */
const hidden = /<(script|style|head|title)\b/iy
const ends: Readonly<Record<string, RegExp>> = {
  script: /<\/script/gi,
  style: /<\/style/gi,
  head: /<\/head/gi,
  title: /<\/title/gi,
}
const inline = /^<\/?(?:a|abbr|b|cite|code|em|font|i|img|small|span|strong|sub|sup|u)\b/i
const entity = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi
const characters: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}

/** Whether a parser of HTML, which may take the square of the depth, can be given a text. */
export function isTame(html: string): boolean {
  if (html.length > maxLength) return false
  let depth = 0
  for (const [, slash, name = ''] of html.matchAll(tag)) {
    if (shallow.test(name)) continue
    depth = slash === '' ? depth + 1 : Math.max(0, depth - 1)
    if (depth > maxDepth) return false
  }
  return true
}

/** The words of a page without its layout, in time that grows with its length alone. */
export function plainText(html: string): string {
  const pieces: string[] = []
  for (let at = 0; at < html.length;) {
    const open = html.indexOf('<', at)
    if (open === -1) {
      pieces.push(html.slice(at))
      break
    }
    pieces.push(html.slice(at, open))
    const end = endOfMarkup(html, open)
    if (end === open + 1) pieces.push('<')
    else if (!inline.test(html.slice(open, open + 12))) pieces.push('\n')
    at = end
  }
  const text = pieces.join('').replace(entity, (_whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return characters[name.toLowerCase()]!
    const point = decimal === undefined ? parseInt(hex!, 16) : Number(decimal)
    return point <= 0x10ffff ? String.fromCodePoint(point) : ''
  })
  const lines = text.split('\n').map((line) => line.replace(/[^\S\n]+/g, ' ').trim())
  return wrap(lines.filter((line) => line !== '').join('\n'))
}

/** Where a tag, a comment or what is hidden ends; behind the < where it is none of them, at the end where it never does. */
function endOfMarkup(html: string, open: number): number {
  if (html.startsWith('<!--', open)) return after(html, '-->', open)
  if (!/[a-z/!?]/i.test(html[open + 1] ?? '')) return open + 1
  hidden.lastIndex = open
  const name = hidden.exec(html)?.[1]?.toLowerCase()
  if (name === undefined) return after(html, '>', open)
  const end = ends[name]!
  end.lastIndex = open
  const close = end.exec(html)
  return close === null ? html.length : after(html, '>', close.index)
}

function after(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from)
  return at === -1 ? html.length : at + mark.length
}
