/** Links and images in a piece of Markdown. */
export interface InlineCount {
  links: number
  images: number
}

/**
 * Counts inline links and images, full and collapsed references, and autolinks, in time that is linear in the length. What is
 * in code spans is none; a reference counts whether or not it is defined.
 */
export function countInline(markdown: string): InlineCount {
  const text = withoutCodeSpans(markdown)
  const count = { links: text.match(/<(?:https?:\/\/|mailto:)[^\s<>]+>/g)?.length ?? 0, images: 0 }
  const closingParenthesis = text.lastIndexOf(')')
  const closingBracket = text.lastIndexOf(']')
  const openings: boolean[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at++
    else if (character === '[') openings.push(text[at - 1] === '!')
    else if (character === ']') {
      const isImage = openings.pop()
      const next = text[at + 1]
      if (isImage === undefined) continue
      const isInline = next === '(' && closingParenthesis > at
      const isReference = next === '[' && closingBracket > at + 1
      if (!isInline && !isReference) continue
      if (isImage) count.images++
      else count.links++
      // The label of a reference is no link.
      if (isReference) at = Math.max(at + 1, text.indexOf(']', at + 2))
    }
  }
  return count
}

/** What is shown of a heading's text: no marks of emphasis or code, of links and images their texts. */
export function plainInline(markdown: string): string {
  return markdown
    .replace(/!?\[([^[\]]{0,500})\](?:\([^()\s]{0,500}(?:\s[^()]{0,200})?\)|\[[^[\]]{0,200}\])/g, '$1')
    .replace(/!?\[([^[\]]{0,500})\](?:\([^()\s]{0,500}(?:\s[^()]{0,200})?\)|\[[^[\]]{0,200}\])/g, '$1')
    .replace(/<\/?[a-z][^<>]{0,500}>/gi, '')
    .replace(/\\([!-/:-@[-`{-~])|\*{1,3}|`+|~~|(?<!\w)_{1,3}|_{1,3}(?!\w)/g, '$1')
    .trim()
}

/** A code span ends at a run of as many backticks as begin it; where there is none they are backticks. */
function withoutCodeSpans(text: string): string {
  if (!text.includes('`')) return text
  const runs = Array.from(text.matchAll(/(?<!\\)`+/g), ({ index, 0: run }) => ({ index, length: run.length }))
  const next = new Map<number, number>()
  const ends = runs.map(() => -1)
  for (let index = runs.length - 1; index >= 0; index--) {
    ends[index] = next.get(runs[index]!.length) ?? -1
    next.set(runs[index]!.length, index)
  }
  let rest = ''
  let from = 0
  for (let index = 0; index < runs.length; index++) {
    const end = ends[index]!
    if (end === -1) continue
    rest += `${text.slice(from, runs[index]!.index)} `
    from = runs[end]!.index + runs[end]!.length
    index = end
  }
  return rest + text.slice(from)
}
