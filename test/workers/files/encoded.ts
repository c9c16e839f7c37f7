/** A text in any encoding that TextDecoder knows, or in UTF-32: the tables of TextDecoder, turned round. */
export function encoded(text: string, label: string): Buffer {
  const wide = /^utf-(16|32)(le|be)$/.exec(label)
  if (wide === null) return Buffer.concat(Array.from(text, (character) => bytesOf(character, label)))
  const little = wide[1] === '16' ? Buffer.from(text, 'utf16le') : utf32(text)
  if (wide[2] === 'le') return little
  return wide[1] === '16' ? little.swap16() : little.swap32()
}

function utf32(text: string): Buffer {
  const codes = Array.from(text, (character) => character.codePointAt(0)!)
  return Buffer.from(Uint32Array.from(codes).buffer)
}

function bytesOf(character: string, label: string): Buffer {
  if (character.charCodeAt(0) < 0x80) return Buffer.from(character)
  const bytes = tableOf(label).get(character)
  if (bytes === undefined) throw new Error(`Expected a character of ${label}, got ${character}`)
  return bytes
}

const tables = new Map<string, Map<string, Buffer>>()

function tableOf(label: string): Map<string, Buffer> {
  const known = tables.get(label)
  if (known !== undefined) return known
  const table = new Map<string, Buffer>()
  const decoder = new TextDecoder(label)
  const add = (bytes: Buffer) => {
    const [character, ...more] = decoder.decode(bytes)
    if (character !== undefined && more.length === 0 && character !== '\ufffd' && !table.has(character)) {
      table.set(character, bytes)
    }
  }
  for (let first = 0x80; first < 0x100; first++) add(Buffer.from([first]))
  for (let first = 0x81; first < 0xff; first++) {
    for (let second = 0x40; second < 0xff; second++) add(Buffer.from([first, second]))
  }
  tables.set(label, table)
  return table
}
