import { cleanLine } from './clean.ts'
import { Lines } from './lines.ts'
import { countInline, plainInline } from './markdown/inline.ts'

const maxHeadings = 100
const maxHeadingLength = 200
const maxKeys = 50
/** Lines; what is longer has no end, so the text goes on after them. */
const maxFrontMatter = 1000
/** Of a longer line the rest is not looked at. */
const maxLine = 16 * 1024
/** Of a paragraph that may become a heading. */
const maxParagraph = 1000

/** A heading of a Markdown text, without its marks. */
export interface Heading {
  /** 1 to 6. */
  level: number
  /** At most 200 characters. */
  text: string
}

/** The outline of a Markdown text. */
export interface MarkdownDescription {
  /** The first heading. */
  title?: string
  /** The first 100. */
  headings: Heading[]
  /** Where there are more than those. */
  headingCount?: number
  links: number
  images: number
  /** Fenced ones. */
  codeBlocks: number
  tables: number
  /** The first 50 keys of the YAML that it begins with, where it does. */
  frontMatter?: string[]
}

/**
 * Reads the outline of Markdown line by line, in bounded memory: ATX and setext headings, fenced code and HTML comments by the
 * block rules of CommonMark 0.31.2, tables by those of GitHub. Quotes and lists are entered; code by indentation is not told
 * from text, and definitions are not needed for a reference to count.
 */
export class MarkdownReader {
  readonly #lines = new Lines(maxLine, (line) => this.#line(line))
  readonly #found = { links: 0, images: 0, codeBlocks: 0, tables: 0 }
  readonly #headings: Heading[] = []
  #headingCount = 0
  #frontMatter: string[] | undefined

  #isFirst = true
  /** Lines that may still belong to the front matter. */
  #frontMatterRoom = 0
  #fence: { mark: string; quotes: number } | undefined
  /** What an HTML comment or a script ends with. */
  #html: string | undefined
  #paragraph = ''
  #paragraphQuotes = 0
  /** Columns of text in the list item that the lines are in. */
  #listIndent = 0
  #afterBlank = true

  add(text: string): void {
    this.#lines.add(text)
  }

  /** Ends the text and says what it was. */
  describe(): MarkdownDescription {
    this.#lines.finish()
    const [first] = this.#headings
    const headingCount = this.#headingCount
    return {
      ...(first !== undefined && { title: first.text }),
      headings: this.#headings,
      ...(headingCount > this.#headings.length && { headingCount }),
      ...this.#found,
      ...(this.#frontMatter !== undefined && { frontMatter: this.#frontMatter }),
    }
  }

  #line(line: string): void {
    const isFirst = this.#isFirst
    this.#isFirst = false
    if (isFirst && /^---\s*$/.test(line)) this.#frontMatterRoom = maxFrontMatter
    else if (this.#frontMatterRoom > 0) this.#frontMatterLine(line)
    else this.#block(line)
  }

  #frontMatterLine(line: string): void {
    this.#frontMatterRoom--
    if (/^(?:---|\.\.\.)\s*$/.test(line)) {
      this.#frontMatterRoom = 0
      return
    }
    const key = /^["']?([\w.-]{1,100})["']?\s*:(?:\s|$)/.exec(line)?.[1]
    if (this.#frontMatter === undefined && key === undefined) {
      // No YAML: the first line was a thematic break.
      this.#frontMatterRoom = 0
      this.#block(line)
      return
    }
    this.#frontMatter ??= []
    if (key !== undefined && this.#frontMatter.length < maxKeys) this.#frontMatter.push(key)
  }

  #block(line: string): void {
    const { quotes, rest } = withoutQuotes(line)
    if (this.#fence !== undefined && this.#inFence(rest, quotes)) return
    if (this.#html !== undefined) {
      if (rest.toLowerCase().includes(this.#html)) this.#html = undefined
      return
    }
    const isLazy = rest.search(/\S|$/) < this.#listIndent || quotes < this.#paragraphQuotes
    const content = this.#withoutList(rest)
    if (content.trim() === '') {
      this.#paragraph = ''
      this.#afterBlank = true
      return
    }
    this.#contentLine(content, quotes, isLazy)
    this.#afterBlank = false
  }

  /** Whether the line belongs to the fenced code block, which the end of its quote ends, too. */
  #inFence(line: string, quotes: number): boolean {
    const { mark, quotes: opened } = this.#fence!
    const text = line.trim()
    if (quotes < opened) this.#fence = undefined
    else if (text.startsWith(mark) && text === mark[0]!.repeat(text.length)) {
      this.#fence = undefined
      return true
    }
    return this.#fence !== undefined
  }

  /** The line without the list marker or the indentation of the item it belongs to. */
  #withoutList(line: string): string {
    const indent = line.search(/\S|$/)
    if (indent < line.length && indent < this.#listIndent && this.#afterBlank) this.#listIndent = 0
    const content = line.slice(Math.min(indent, this.#listIndent))
    const marker = /^ {0,3}(?:[-+*]|\d{1,9}[.)])(?: {1,4}|\t)(?=\S)/.exec(content)?.[0]
    if (marker === undefined || /^ {0,3}(?:[-*_][ \t]*){3,}$/.test(content)) return content
    this.#listIndent = Math.min(indent, this.#listIndent) + marker.length
    this.#paragraph = ''
    return content.slice(marker.length)
  }

  /** @param isLazy whether it goes on with a paragraph of a list or quote without their marks: it cannot underline that */
  #contentLine(line: string, quotes: number, isLazy: boolean): void {
    const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      this.#found.codeBlocks++
      this.#fence = { mark: fence, quotes }
      this.#paragraph = ''
      return
    }
    const html = /^ {0,3}<(!--|script\b|style\b|pre\b|textarea\b)/i.exec(line)?.[1]
    if (html !== undefined) {
      const end = html === '!--' ? '-->' : `</${html.toLowerCase()}>`
      if (!line.toLowerCase().includes(end)) this.#html = end
      this.#paragraph = ''
      return
    }
    const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/.exec(line)
    const { links, images } = countInline(line)
    this.#found.links += links + (line.match(/<a\s[^<>]{0,500}href\b/gi)?.length ?? 0)
    this.#found.images += images + (line.match(/<img\s/gi)?.length ?? 0)
    if (atx !== null) {
      this.#heading(atx[1]!.length, withoutClosing((atx[2] ?? '').slice(0, 2 * maxParagraph)))
      this.#paragraph = ''
    } else if (this.#paragraph !== '' && !isLazy && /^ {0,3}(?:=+|-+)[ \t]*$/.test(line)) {
      this.#heading(line.trimStart().startsWith('=') ? 1 : 2, this.#paragraph)
      this.#paragraph = ''
    } else if (isDelimiterRow(line, this.#paragraph)) {
      this.#found.tables++
      this.#paragraph = ''
    } else if (/^ {0,3}(?:[-*_][ \t]*){3,}$/.test(line)) this.#paragraph = ''
    else {
      this.#paragraph = `${this.#paragraph}\n${line.trim()}`.trimStart().slice(-maxParagraph)
      this.#paragraphQuotes = quotes
    }
  }

  #heading(level: number, markdown: string): void {
    this.#headingCount++
    if (this.#headings.length === maxHeadings) return
    const text = cleanLine(plainInline(markdown), maxHeadingLength)
    this.#headings.push({ level, text })
  }
}

/** Quote marks before a line, and what they quote. */
function withoutQuotes(line: string): { quotes: number; rest: string } {
  let quotes = 0
  let rest = line
  for (let mark = /^ {0,3}> ?/.exec(rest); mark !== null && quotes < 100; mark = /^ {0,3}> ?/.exec(rest)) {
    rest = rest.slice(mark[0].length)
    quotes++
  }
  return { quotes, rest }
}

/** An ATX heading may end with as many `#` as one likes. */
function withoutClosing(text: string): string {
  const trimmed = text.trim()
  const withoutMarks = trimmed.replace(/#+$/, '')
  return withoutMarks === '' || /[ \t]$/.test(withoutMarks) ? withoutMarks.trim() : trimmed
}

/** The row of dashes under a table's header, which is the last line of the paragraph and has as many cells. */
function isDelimiterRow(line: string, paragraph: string): boolean {
  if (!/^[ |:\t-]+$/.test(line) || !line.includes('-') || !paragraph.includes('|')) return false
  const cells = cellsOf(line)
  if (!cells.every((cell) => /^:?-+:?$/.test(cell))) return false
  return cells.length === cellsOf(paragraph.slice(paragraph.lastIndexOf('\n') + 1)).length
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .replace(/^\||(?<!\\)\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}
