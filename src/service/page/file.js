import { make } from './dom.js'
import { factsDetails } from './facts.js'
import { size, visible } from './text.js'

/**
 * @typedef {{ name: string, size: number, width?: number, height?: number }} Variant
 * @typedef {{ id: string, name?: string, size?: number, sha256?: string, variants?: Variant[],
 *   kind?: { extension: string, mime: string } | null, image?: any, table?: any, pdf?: any, archive?: any, text?: any
 * }} FileResult
 */

/** @param {string} word @param {number | undefined} count */
const counted = (count, word) =>
  count === undefined ? undefined : `${count.toLocaleString()} ${word}${count === 1 ? '' : 's'}`

/**
 * What a person wants to know first.
 * @param {FileResult} file
 */
function headline({ kind, image, table, pdf, archive, text, size: bytes }) {
  const parts = [kind ? kind.extension.toUpperCase() : 'Unknown kind']
  if (image) {
    const { capture, animation } = image
    const camera = [capture?.make, capture?.model].filter(Boolean).join(' ')
    parts.push(`${image.width} × ${image.height}`, counted(animation?.frames, 'frame') ?? '', camera)
    parts.push(capture?.takenAt?.replace('T', ' ') ?? '')
  } else if (table) {
    parts.push(counted(table.rows, 'row') ?? '', counted(table.width, 'column') ?? '')
    if (table.ragged?.count) parts.push(counted(table.ragged.count, 'ragged row') ?? '')
  } else if (pdf) {
    parts.push(pdf.locked ? 'locked by a password' : (counted(pdf.pages, 'page') ?? ''))
    if (pdf.title) parts.push(`“${pdf.title}”`)
  } else if (archive) {
    parts.push(counted(archive.entries, 'entry')?.replace('entrys', 'entries') ?? '')
    if (archive.safe === false) parts.push('not safe to unpack')
  } else if (text) {
    const { json, markdown } = text
    parts.push(counted(text.lines, 'line') ?? '', counted(text.words, 'word') ?? '')
    if (json?.error) parts.push(`breaks at line ${json.error.line}, column ${json.error.column}`)
    if (markdown?.title) parts.push(`“${markdown.title}”`)
  }
  if (bytes !== undefined) parts.push(size(bytes))
  return parts.filter((part) => part !== '').join(', ')
}

/** One picture a width: browsers that run this page read WebP. @param {Variant[]} variants */
function pictures(variants) {
  return variants.filter(({ name, width }) => width !== undefined && name.endsWith('.webp'))
}

/** @param {string} href @param {Variant} variant */
function pictureLink(href, { name, width, height, size: bytes }) {
  const caption = visible(`${name}, ${width} × ${height}, ${size(bytes)}`)
  const image = make('img', { alt: caption, width, height, decoding: 'async', src: href })
  return make('a', { href, title: caption }, image)
}

/** @param {string} href @param {string} text @param {string} [className] */
function textLink(href, text, className = '') {
  return make('a', { href, className }, make('bdi', { textContent: visible(text) }))
}

/**
 * The result of reports.summarise.
 * @param {FileResult & { notes?: string[] }} report
 */
export function reportNodes({ id, name, variants = [], notes = [], ...facts }) {
  const links = variants.map((variant) =>
    textLink(`files/${encodeURIComponent(id)}/${encodeURIComponent(variant.name)}`, variant.name),
  )
  return [
    make('p', { className: 'headline', textContent: visible(`Report of ${name ?? 'a table'}`) }),
    make('p', { className: 'links' }, ...links),
    factsDetails([...Object.entries(facts), ['notes', notes.join('\n')]]),
  ]
}

/** The result of files.processFile. @param {FileResult} file */
export function fileNodes(file) {
  const { id, name, kind, sha256, variants = [], image, table, pdf, archive, text } = file
  const href = `files/${encodeURIComponent(id)}`
  /** @param {Variant} variant */
  const hrefOf = (variant) => `${href}/${encodeURIComponent(variant.name)}`
  const shown = pictures(variants)
  const others = variants.filter((variant) => variant.width === undefined)
  const links = [
    textLink(href, name ?? 'Original file', 'original'),
    ...others.map((variant) => textLink(hrefOf(variant), variant.name)),
  ]
  const details = factsDetails([
    ['mime', kind?.mime],
    ['sha256', sha256],
    ...Object.entries(image ?? table ?? pdf ?? archive ?? text ?? {}),
    ['variants', variants.length > 0 ? variants : undefined],
  ])
  return [
    ...(shown.length > 0
      ? [
          make(
            'div',
            { className: 'thumbnails' },
            ...shown.map((variant) => pictureLink(hrefOf(variant), variant)),
          ),
        ]
      : []),
    make('p', { className: 'headline', textContent: visible(headline(file)) }),
    make('p', { className: 'links' }, ...links),
    details,
  ]
}
