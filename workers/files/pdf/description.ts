import type { PDFDocumentProxy } from 'pdfjs-dist'
import { cut } from './cut.ts'
import { isoDate } from './date.ts'
import { flattenOutline, type OutlineEntry } from './outline.ts'

/** What a PDF says about itself; what it does not say is absent. Strings are cut to 500 characters. */
export interface DocumentDescription {
  /** Such as `1.7`. */
  version?: string
  /** Whether a password protects it, be it an empty one. */
  encrypted: boolean
  /** Whether it cannot be read without a password: then little else is known. */
  locked: boolean
  /** What its readers are asked not to do, of one that is encrypted and not locked. */
  forbidden?: ('print' | 'change' | 'copy' | 'annotate')[]
  pages?: number
  /** Millimetres, of the first page as it is shown. */
  pageSize?: { width: number; height: number }
  title?: string
  author?: string
  subject?: string
  keywords?: string
  /** The program it was written in. */
  creator?: string
  /** The program that made it a PDF. */
  producer?: string
  /** ISO 8601, with an offset where the PDF has one. */
  createdAt?: string
  /** ISO 8601, with an offset where the PDF has one. */
  modifiedAt?: string
  /** Such as `en-GB`. */
  language?: string
  /** Whether it has a structure for assistive technology. */
  tagged?: boolean
  /** Whether its first page can be shown before all of it is there. */
  linearized?: boolean
  hasForms?: boolean
  hasJavaScript?: boolean
  /** Whether it has a field for signatures that is signed; nobody checked them. */
  signed?: boolean
  /** Files inside it. */
  attachments?: number
  /** The first 200 entries of its table of contents. */
  outline?: OutlineEntry[]
}

const maxLength = 500
const millimetresPerPoint = 25.4 / 72
/** Of PermissionFlag in pdf.js. */
const permissions = { print: 0x4, change: 0x8, copy: 0x10, annotate: 0x20 } as const

/** Describes a PDF; what cannot be read of it is left out. */
export async function describeDocument(
  document: PDFDocumentProxy,
  headerVersion: string | undefined,
): Promise<DocumentDescription> {
  const { info, xmp } = await readInfo(document)
  // A tree inside the file may be broken while all its pages are well: one thing that fails does not hide the others.
  const outline = await document.getOutline().catch(() => null)
  // Of these two, the types of pdf.js say another thing than they are.
  const attachments: unknown = await document.getAttachments().catch(() => null)
  const markInfo: unknown = await document.getMarkInfo().catch(() => null)
  const hasJavaScript = await document.hasJSActions().catch(() => undefined)
  const encrypted = info['EncryptFilterName'] !== null && info['EncryptFilterName'] !== undefined
  const forbidden = encrypted ? await forbiddenBy(document) : undefined
  const entries = outline === null ? [] : flattenOutline(outline)
  return withoutUndefined({
    version: cut(info['PDFFormatVersion'], 8) ?? headerVersion,
    encrypted,
    locked: false,
    forbidden,
    pages: document.numPages,
    pageSize: await pageSizeOf(document),
    title: cut(info['Title'], maxLength) ?? cut(xmp('dc:title'), maxLength),
    author: cut(info['Author'], maxLength) ?? cut(xmp('dc:creator'), maxLength),
    subject: cut(info['Subject'], maxLength) ?? cut(xmp('dc:description'), maxLength),
    keywords: cut(info['Keywords'], maxLength) ?? cut(xmp('pdf:keywords'), maxLength),
    creator: cut(info['Creator'], maxLength) ?? cut(xmp('xmp:creatortool'), maxLength),
    producer: cut(info['Producer'], maxLength) ?? cut(xmp('pdf:producer'), maxLength),
    createdAt: isoDate(info['CreationDate']) ?? isoDate(xmp('xmp:createdate')),
    modifiedAt: isoDate(info['ModDate']) ?? isoDate(xmp('xmp:modifydate')),
    language: cut(info['Language'], 35),
    tagged: markInfo instanceof Map && markInfo.get('Marked') === true,
    linearized: info['IsLinearized'] === true,
    hasForms: info['IsAcroFormPresent'] === true || info['IsXFAPresent'] === true,
    hasJavaScript,
    signed: info['IsSignaturesPresent'] === true,
    attachments: attachments instanceof Map ? attachments.size : 0,
    outline: entries.length === 0 ? undefined : entries,
  })
}

/** Millimetres, to a tenth; nothing where the first page is broken. */
async function pageSizeOf(document: PDFDocumentProxy): Promise<DocumentDescription['pageSize'] | undefined> {
  const page = await document.getPage(1).catch(() => undefined)
  if (page === undefined) return undefined
  const { width, height } = page.getViewport({ scale: 1 })
  const millimetres = (points: number) => Math.round(points * millimetresPerPoint * 10) / 10
  return { width: millimetres(width), height: millimetres(height) }
}

/** The information dictionary, and the younger XMP metadata, which some files have instead. */
async function readInfo(
  document: PDFDocumentProxy,
): Promise<{ info: Record<string, unknown>; xmp: (name: string) => unknown }> {
  const found = await document.getMetadata().catch(() => undefined)
  if (found === undefined) return { info: {}, xmp: () => undefined }
  const xmp = (name: string): unknown => {
    const value: unknown = found.metadata?.get(name)
    return Array.isArray(value) ? value.slice(0, 20).join(', ') : value
  }
  return { info: found.info as Record<string, unknown>, xmp }
}

async function forbiddenBy(document: PDFDocumentProxy): Promise<DocumentDescription['forbidden']> {
  const flags = await document.getPermissions().catch(() => null)
  if (flags === null) return undefined
  const names = Object.keys(permissions) as (keyof typeof permissions)[]
  return names.filter((name) => !flags.has(permissions[name]))
}

function withoutUndefined<T extends object>(object: {
  [K in keyof T]: T[K] | undefined
}): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
