import { compile, type FormatCallback } from 'html-to-text'
import { shapeOf } from './data-table.ts'
import { isTame, plainText } from './markup.ts'

/** Characters of a line, as RFC 5322 asks for. */
const width = 78
/** Characters; of small markup, such as lines and numbers, a text may be made that is many times as long. */
const maxText = 512 * 1024

/** An image is known by what it would say: its address tells a reader nothing. */
const alternative: FormatCallback = (element, _walk, builder) => {
  builder.addInline(String(element.attribs?.['alt'] ?? ''))
}

/** Only a table of data is set as columns; most tables of a mail are there to place what is in them. */
const table: FormatCallback = (element, walk, builder, options) => {
  const format = shapeOf(element) === 'data' ? 'dataTable' : 'block'
  builder.options.formatters[format]!(element, walk, builder, options)
}

const heading = { options: { uppercase: false, leadingLineBreaks: 3, trailingLineBreaks: 2 } }

const convert = compile({
  wordwrap: width,
  limits: { maxDepth: 200 },
  formatters: { alternative, table },
  selectors: [
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, ...heading })),
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['<', '>'] } },
    { selector: 'img', format: 'alternative' },
    {
      selector: 'table',
      format: 'table',
      options: {
        uppercaseHeaderCells: false,
        maxColumnWidth: 40,
        leadingLineBreaks: 2,
        trailingLineBreaks: 2,
      },
    },
    { selector: 'tr', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'td', format: 'inlineSurround', options: { suffix: ' ' } },
    { selector: 'th', format: 'inlineSurround', options: { suffix: ' ' } },
    // What a preview shows and a reader does not see.
    ...['head', 'title', '[hidden]', '[style*="display:none"]', '[style*="display: none"]'].map(
      (selector) => ({
        selector,
        format: 'skip',
      }),
    ),
  ],
})

/**
 * The text part for a message in HTML: headings, lists, links with their addresses, tables of data in columns; lines of
 * at most 78 characters where words allow it. Markup that is too large, too deep or too odd to lay out becomes its bare
 * text.
 */
export function htmlToText(html: string): string {
  const text = laidOut(html) ?? plainText(html)
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
}

function laidOut(html: string): string | undefined {
  if (!isTame(html)) return undefined
  try {
    const text = convert(html)
    return text.length <= maxText ? text : undefined
  } catch {
    // The library trips over odd markup, such as a list that counts from a huge number in Roman numerals.
    return undefined
  }
}
