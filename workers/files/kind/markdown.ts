const maxLines = 2000
/** Of a longer line the rest says nothing new, and the patterns below take time. */
const maxLine = 1000

/** From `strong` on a text is Markdown though it may be read as a table, or begins with an HTML element, too. */
const thresholds = { strong: 4, weak: 2 }

/** What one sees in a line, and how much it says for Markdown. */
interface Points {
  heading: number
  fence: number
  link: number
  table: number
  list: number
  emphasis: number
  frontMatter: number
}

/** Lines, outside of code. */
interface Counts {
  filled: number
  code: number
  settings: number
  directives: number
  prose: number
}

const most: Points = { heading: 4, fence: 4, link: 4, table: 4, list: 1, emphasis: 1, frontMatter: 1 }

/** Lines of programs and their comments, and of reStructuredText. */
const code =
  /[;{(\\]$|[^=]=$|^[})\]]|^(?:def|class|import|from|return|export|function|const|let|var|if|elif|for|while|try|except|set|endif)\b.*[:({)]$|^@\w+/
/** Of C, JavaScript or Python. */
const comment = /^\s*(?:\/\/|\/\*|\*\/|""")|^ \*(?: |$)/
const setting = /^(?:- )?["']?[\w.-]+["']?:(?:\s|$)/
const directive = /^\.\. [\w-]+::|^\.\. _|[^:]::$|^:[\w-]+:/
/** A few words in a row, or some characters of a script without spaces. */
const prose = /(?:[\p{L}\p{M}'’]{2,30}[,.;:)]?\s\(?){3}|[\u3040-\u30ff\u3400-\u9fff]{6}/u
const link = /\[(?=[^[\]]*[\p{L}\p{N}])[^[\]]*\]\((?:https?:|mailto:|#|<|\.{0,2}\/|[\w%-]+[/.#])[^()\s]*/u

/**
 * How sure it is that a text is Markdown, by its lines: headings, fences, links, tables, emphasis. Prose alone is Markdown,
 * too, but nobody calls it so; and a program's `# comments` are not headings, so there must be prose between them.
 */
export function markdownEvidence(text: string): 'strong' | 'weak' | 'none' {
  const lines = text.split(/\r\n|\n|\r/, maxLines).map((line) => line.slice(0, maxLine))
  const points: Points = { heading: 0, fence: 0, link: 0, table: 0, list: 0, emphasis: 0, frontMatter: 0 }
  const counts: Counts = { filled: 0, code: 0, settings: 0, directives: 0, prose: 0 }
  let fence: string | undefined
  for (let at = frontMatter(lines, points); at < lines.length; at++) {
    const line = lines[at]!
    const trimmed = line.trim()
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      if (mark?.startsWith(fence) !== true || trimmed !== mark) continue
      fence = undefined
      points.fence += 2
    } else if (mark !== undefined) fence = mark
    else if (trimmed !== '') {
      // What is indented may be code in Markdown, too.
      if (!/^(?: {4}|\t)/.test(line)) {
        counts.filled++
        if (comment.test(line) || (code.test(trimmed) && !prose.test(trimmed))) counts.code++
        if (setting.test(trimmed)) counts.settings++
        if (directive.test(trimmed)) counts.directives++
        if (prose.test(trimmed) || /^(?:#|\||!?\[|[-*+] )/.test(trimmed)) counts.prose++
      }
      judge(line, lines[at - 1]?.trim() ?? '', lines[at + 1]?.trim() ?? '', points)
    }
  }
  const names = Object.keys(points) as (keyof Points)[]
  const score = names.reduce((sum, name) => sum + Math.min(most[name], points[name]), 0)
  const kinds = names.filter((name) => points[name] >= 1).length
  const block = Math.max(points.heading, points.fence, points.link, points.table)
  if (block < 1 || !isProse(counts, score)) return 'none'
  if (score >= thresholds.strong && kinds >= 2) return 'strong'
  return score >= thresholds.weak ? 'weak' : 'none'
}

/** Whether lines are what people write, rather than a program, settings or reStructuredText with such marks in it. */
function isProse({ filled, code, settings, directives, prose }: Counts, score: number): boolean {
  const [mostCode, mostSettings] =
    score >= 8 ? [0.4, 0.5] : score >= thresholds.strong ? [0.1, 0.25] : [0.03, 0.25]
  if (code > filled * mostCode || settings > filled * mostSettings || prose < filled / 4) return false
  return directives === 0 || score >= 8
}

/** The line after the front matter, where there is one. YAML looks the same: what follows must be more than that. */
function frontMatter(lines: readonly string[], points: Points): number {
  const end = lines[0] === '---' ? lines.indexOf('---', 1) : -1
  if (end < 2 || !setting.test(lines[1]!)) return 0
  if (end + 1 < lines.length) points.frontMatter = 1
  return end + 1
}

function judge(line: string, before: string, after: string, points: Points): void {
  const trimmed = line.trim()
  if (/^ {0,3}#{1,6} \S/.test(line)) {
    const isFollowed =
      after === '' || trimmed.startsWith('##') || (prose.test(after) && !after.startsWith('#'))
    if (before === '' && isFollowed) points.heading++
  } else if (/^=+$/.test(trimmed) && after === '' && Math.abs(trimmed.length - before.length) <= 3) {
    points.heading += 0.5
  } else if (/^\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?$/.test(trimmed) && before.includes('|')) points.table += 3
  else if (/^(?:[-*+]|\d{1,3}[.)]|>) \S/.test(trimmed)) points.list += 0.25
  if (link.test(line) || /^ {0,3}\[[^\]]{1,100}\]: (?:https?:|\.{0,2}\/|<)/.test(line)) points.link++
  if (/\*\*[^*\s][^*]{0,200}\*\*|(?<!`)`[^`\s][^`]{0,100}`(?!`)/.test(line)) points.emphasis += 0.25
}
