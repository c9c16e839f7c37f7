import { createHash, verify, type KeyObject } from 'node:crypto'

/** What is wrong with the DKIM signature of a message (RFC 6376, relaxed/relaxed); undefined when it verifies. */
export function signatureProblem(raw: string, key: KeyObject): string | undefined {
  const end = raw.indexOf('\r\n\r\n')
  const headers = raw.slice(0, end).split(/\r\n(?![ \t])/)
  const own = headers.find((line) => /^dkim-signature:/i.test(line))
  if (own === undefined) return 'unsigned'
  const tags = tagsOf(own)
  const body = relaxedBody(raw.slice(end + 4))
  if (createHash('sha256').update(body, 'latin1').digest('base64') !== tags.get('bh')) return 'another body'
  const names = tags.get('h')!.split(':')
  const signed = names.flatMap((name) =>
    headers.filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)).slice(-1),
  )
  const unsigned = own.replace(/(\bb=)[^;]*$/s, '$1')
  const data = [...signed, unsigned].map(relaxedHeader).join('\r\n')
  const signature = Buffer.from(tags.get('b')!, 'base64')
  return verify('sha256', Buffer.from(data, 'latin1'), key, signature) ? undefined : 'another signature'
}

/** The names of the headers that a message's signature covers. */
export function signedNames(raw: string): string[] {
  const own = /^dkim-signature:.*(?:\r\n[ \t].*)*/im.exec(raw)?.[0] ?? ''
  return tagsOf(own).get('h')?.split(':') ?? []
}

function tagsOf(header: string): Map<string, string> {
  const list = header.slice(header.indexOf(':') + 1).split(';')
  return new Map(
    list.map((tag) => {
      const equals = tag.indexOf('=')
      return [tag.slice(0, equals).trim(), tag.slice(equals + 1).replaceAll(/\s/g, '')]
    }),
  )
}

function relaxedHeader(line: string): string {
  const colon = line.indexOf(':')
  const value = line
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replaceAll(/[ \t]+/g, ' ')
    .trim()
  return `${line.slice(0, colon).toLowerCase().trim()}:${value}`
}

function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, ''))
  return lines.join('\r\n').replace(/(\r\n)+$/, '') + '\r\n'
}
