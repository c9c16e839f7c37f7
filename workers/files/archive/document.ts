import type { Entry, ZipFile } from 'yauzl'
import { shown } from './name.ts'

/** What a document that is a ZIP archive inside says of itself. */
export interface ZippedDocument {
  title?: string
  author?: string
  subject?: string
  language?: string
  /** The program that made it. */
  application?: string
  pages?: number
  words?: number
  slides?: number
  /** Names of a spreadsheet's sheets, at most 100. */
  sheets?: string[]
}

/** Bytes of a part that are inflated at most. */
const maxPart = 1024 * 1024
const maxText = 300
const maxSheets = 100

/** Parts at fixed places: Office Open XML (ECMA-376), OpenDocument, EPUB and JAR. */
const parts = new Set([
  'docProps/core.xml',
  'docProps/app.xml',
  'xl/workbook.xml',
  'meta.xml',
  'META-INF/container.xml',
  'META-INF/MANIFEST.MF',
])
/** Where an EPUB has its metadata is in its container.xml; nearly always it is a file with this ending. */
const packageEnding = '.opf'

/** Whether an entry may say something of the document. */
export function isDocumentPart(name: string): boolean {
  return parts.has(name) || (name.endsWith(packageEnding) && name.length < 200)
}

/**
 * Reads a document's title, author and the like from its parts, by name; undefined if they say nothing.
 * @throws the system's error, such as EIO; damaged parts are left out
 */
export async function documentOf(
  zip: ZipFile,
  entries: ReadonlyMap<string, Entry>,
): Promise<ZippedDocument | undefined> {
  const read = async (name: string) => {
    const entry = entries.get(name)
    return entry === undefined ? '' : await readPart(zip, entry)
  }
  const container = await read('META-INF/container.xml')
  const packageName = /<rootfile\s[^<>]{0,500}?full-path\s?=\s?["']([^"'<>]{1,200})["']/.exec(container)?.[1]
  const drafts: Draft[] = [
    officeDocument(await read('docProps/core.xml'), await read('docProps/app.xml')),
    spreadsheet(await read('xl/workbook.xml')),
    openDocument(await read('meta.xml')),
    packageName === undefined ? {} : book(await read(packageName)),
    manifest(await read('META-INF/MANIFEST.MF')),
  ]
  const known = drafts.flatMap((draft) => Object.entries(draft)).filter(([, value]) => value !== undefined)
  return known.length > 0 ? (Object.fromEntries(known) as ZippedDocument) : undefined
}

type Draft = { [Key in keyof ZippedDocument]: ZippedDocument[Key] | undefined }

function officeDocument(core: string, app: string): Draft {
  return {
    title: element(core, 'dc:title'),
    author: element(core, 'dc:creator'),
    subject: element(core, 'dc:subject'),
    language: element(core, 'dc:language'),
    application: element(app, 'Application'),
    pages: count(element(app, 'Pages')),
    words: count(element(app, 'Words')),
    slides: count(element(app, 'Slides')),
  }
}

function openDocument(meta: string): Draft {
  if (!meta.includes('office:document-meta')) return {}
  return {
    title: element(meta, 'dc:title'),
    author: element(meta, 'meta:initial-creator') ?? element(meta, 'dc:creator'),
    subject: element(meta, 'dc:subject'),
    language: element(meta, 'dc:language'),
    application: element(meta, 'meta:generator'),
    pages: count(attribute(meta, 'meta:page-count')),
    words: count(attribute(meta, 'meta:word-count')),
  }
}

function spreadsheet(workbook: string): Draft {
  const sheets: string[] = []
  for (const [tag] of workbook.matchAll(/<(?:\w{1,20}:)?sheet\s[^<>]{0,1000}>/g)) {
    const name = attribute(tag, 'name')
    if (name !== undefined && sheets.length < maxSheets) sheets.push(name)
  }
  return sheets.length > 0 ? { sheets } : {}
}

function book(description: string): Draft {
  return {
    title: element(description, 'dc:title'),
    author: element(description, 'dc:creator'),
    subject: element(description, 'dc:subject'),
    language: element(description, 'dc:language'),
  }
}

function manifest(text: string): Draft {
  // A value that begins so is the key of a translation.
  const header = (name: string) =>
    clean(new RegExp(`^${name}: ([^%\\r\\n].{0,${maxText}})`, 'm').exec(text)?.[1])
  return {
    title: header('Implementation-Title') ?? header('Bundle-Name'),
    author: header('Implementation-Vendor') ?? header('Bundle-Vendor'),
    application: header('Created-By'),
  }
}

/** Every repetition in the patterns has a bound, for the text may be hostile. */
function element(xml: string, name: string): string | undefined {
  const pattern = new RegExp(`<${name}(?:\\s[^<>]{0,500})?>([^<]{1,2000})</${name}>`)
  return clean(pattern.exec(xml)?.[1])
}

function attribute(xml: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}\\s?=\\s?(?:"([^"<]{1,1000})"|'([^'<]{1,1000})')`).exec(xml)
  return clean(value?.[1] ?? value?.[2])
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function clean(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const decoded = text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi,
    (whole, hex, number, name) => {
      if (name !== undefined) return named[String(name).toLowerCase()] ?? String(whole)
      const code = hex === undefined ? Number(number) : Number.parseInt(String(hex), 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
    },
  )
  const shownText = shown(decoded.replace(/\s+/g, ' ').trim(), maxText)
  return shownText === '' ? undefined : shownText
}

async function readPart(zip: ZipFile, entry: Entry): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, maxPart - size))
      size += chunk.length
      if (size >= maxPart) break
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error
    return ''
  }
  return Buffer.concat(chunks).toString()
}
