import { Readable } from 'node:stream'
import * as base64 from 'nodemailer/lib/base64'
import { foldLines, hasLongerLines, isPlainText } from 'nodemailer/lib/mime-funcs'
import MimeNode from 'nodemailer/lib/mime-node'
import * as qp from 'nodemailer/lib/qp'
import type { Composed } from './compose.ts'

/** Characters of a text: longer ones nodemailer encodes in pieces of 64 KB, each with line breaks of its own. */
const mostText = 20 * 1024
/** Characters of a line of text that need no encoding, and of a header's line that is not folded. */
const [longestLine, longestHeader] = [76, 75]
/** What stays as it is in a header. */
const plainValue = /^[!#-~](?:[ !#-~]*[!#-~])?$/
/** What needs neither quotes nor Punycode: nearly every address that there is. */
const plainAddress = /^\w+(?:[.+-]\w+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$/
/** Without it a node makes one of random numbers, whether it has parts or not. */
const baseBoundary = 'none'

/** An address as it stands in its header, and in the envelope. */
interface Mailbox {
  line: string
  address: string
}

/** A message all of which is in memory, as a transport of nodemailer takes it. */
export class WholeMessage extends MimeNode {
  readonly #bytes: Buffer
  readonly #id: string
  readonly #from: string
  readonly #to: string

  constructor(bytes: Buffer, id: string, from: string, to: string) {
    super(undefined, { baseBoundary })
    this.#bytes = bytes
    this.#id = id
    this.#from = from
    this.#to = to
  }

  override messageId(): string {
    return this.#id
  }

  override getEnvelope(): ReturnType<MimeNode['getEnvelope']> {
    return { from: this.#from, to: [this.#to] }
  }

  override createReadStream(): Readable {
    const bytes = this.#bytes
    return new Readable({
      read() {
        this.push(bytes)
        this.push(null)
      },
    })
  }
}

/**
 * Composes a message that is text and HTML alone, without the streams and parsers of nodemailer, which take several times
 * as long; the bytes on their way to the server are the same. Undefined for any other message, and for long ones.
 */
export function wholeMessage(message: Composed): WholeMessage | undefined {
  const { from, to, replyTo, subject, messageId, date, headers, list, attachments = [] } = message
  if (typeof from !== 'string' || typeof subject !== 'string' || subject === '') return undefined
  if (attachments.length > 0 || headers !== undefined || list !== undefined) return undefined
  const content = contentOf(message)
  if (content === undefined) return undefined
  const [sender, recipient] = [senderOf(from), mailboxOf('To', to)]
  if (sender.address === '' || recipient.address === '') return undefined
  const lines = [
    sender.line,
    recipient.line,
    ...(replyTo === undefined ? [] : [mailboxOf('Reply-To', replyTo as Composed['to']).line]),
    headerLine('Subject', subject),
    headerLine('Message-ID', messageId),
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    ...content,
  ]
  const text = lines.join('\r\n').replace(/\r\n?|\n/g, '\r\n')
  const bytes = Buffer.from(text.endsWith('\n') ? text : `${text}\r\n`)
  return new WholeMessage(bytes, messageId, sender.address, recipient.address)
}

/** The other headers, and what follows them: one text, or two of which a reader sees one. */
function contentOf({ text, html, baseBoundary }: Composed): string[] | undefined {
  const [plain, page] = [partOf('text/plain', text), partOf('text/html', html)]
  if (plain === undefined || page === undefined) return undefined
  const [part, other] = [...plain, ...page]
  if (part === undefined) return undefined
  const version = 'MIME-Version: 1.0'
  if (other === undefined) return [part.encoding, version, part.type, '', part.content]
  const boundary = `--_NmP-${baseBoundary}-Part_1`
  const type = folded(`Content-Type: multipart/alternative; boundary="${boundary}"`)
  const parts = [part, other].flatMap(({ type, encoding, content }) => [
    `--${boundary}`,
    type,
    encoding,
    '',
    content,
  ])
  return [version, type, '', ...parts, `--${boundary}--`]
}

/** A part, or none where there is no content; undefined for one that must be streamed. */
function partOf(type: string, content: unknown) {
  if (content === undefined || content === '') return []
  if (typeof content !== 'string' || content.length > mostText) return undefined
  const [encoding, encoded] = encode(content)
  // Space at its end belongs to the next piece, of which nodemailer makes lines apart.
  if (encoding === 'quoted-printable' && /[ \t]$/.test(content)) return undefined
  return [
    {
      type: `Content-Type: ${type}; charset=utf-8`,
      encoding: `Content-Transfer-Encoding: ${encoding}`,
      content: encoded,
    },
  ]
}

/** The name of the encoding that nodemailer would take, and the text in it. */
function encode(content: string): [string, string] {
  if (isPlainText(content) && !hasLongerLines(content, longestLine)) return ['7bit', content]
  const encoding = new MimeNode('text/plain', { baseBoundary }).setContent(content).getTransferEncoding()
  if (encoding === 'base64') return [encoding, base64.wrap(base64.encode(content))]
  return ['quoted-printable', qp.wrap(qp.encode(content))]
}

let lastSender: { from: string; mailbox: Mailbox } | undefined

/** All mail of a service has the same. */
function senderOf(from: string): Mailbox {
  if (lastSender?.from !== from) lastSender = { from, mailbox: parsed('From', from) }
  return lastSender.mailbox
}

function mailboxOf(key: string, mailbox: { name: string; address: string }): Mailbox {
  const { name, address } = mailbox
  if (name === '' && plainAddress.test(address)) return { line: headerLine(key, address), address }
  return parsed(key, mailbox)
}

/** All headers of addresses are made in the same way. */
function parsed(key: string, value: string | { name: string; address: string }): Mailbox {
  const node = new MimeNode(undefined, { baseBoundary }).setHeader('To', value)
  const line = folded(`${key}: ${node.encodeHeaderValue('To', value)}`)
  return { line, address: node.getEnvelope().to[0] ?? '' }
}

function headerLine(key: string, value: string): string {
  const line = `${key}: ${value}`
  if (line.length <= longestHeader && plainValue.test(value) && !value.includes('=?')) return line
  return folded(`${key}: ${MimeNode.encodeHeaderValue(key, value)}`)
}

function folded(line: string): string {
  return foldLines(line, longestLine)
}
