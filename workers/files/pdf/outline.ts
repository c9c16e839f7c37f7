import { cut } from './cut.ts'

/** An entry of a PDF's table of contents. */
export interface OutlineEntry {
  title: string
  /** 1 for a chapter, 2 for what stands below one, and so on. */
  level: number
}

interface OutlineNode {
  title: string
  items: OutlineNode[]
}

const maxEntries = 200
const maxTitle = 200

/** The first 200 entries in reading order; without recursion, for an outline may be as deep as its writer liked. */
export function flattenOutline(roots: readonly OutlineNode[]): OutlineEntry[] {
  const entries: OutlineEntry[] = []
  const waiting = roots.map((node) => ({ node, level: 1 })).reverse()
  while (entries.length < maxEntries) {
    const next = waiting.pop()
    if (next === undefined) break
    const { node, level } = next
    const title = cut(node.title, maxTitle)
    if (title !== undefined) entries.push({ title, level })
    for (const child of node.items.toReversed()) waiting.push({ node: child, level: level + 1 })
  }
  return entries
}
