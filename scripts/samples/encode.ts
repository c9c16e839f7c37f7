/** The bytes of a text in any encoding that TextDecoder knows, of one or two bytes a character; throws for others. */
export function encode(text: string, label: string): Buffer {
  if (label === 'utf-8') return Buffer.from(text)
  const table = tableOf(label)
  return Buffer.concat(
    Array.from(text, (character) => {
      const bytes = table.get(character)
      if (bytes === undefined) throw new Error(`Expected a character of ${label}, got ${character}`)
      return bytes
    }),
  )
}

function tableOf(label: string): Map<string, Buffer> {
  const decoder = new TextDecoder(label, { fatal: true })
  const table = new Map<string, Buffer>()
  for (let code = 0; code < 0x1_0000; code++) {
    const bytes = code < 0x100 ? Buffer.from([code]) : Buffer.from([code >> 8, code & 0xff])
    const character = decodeOne(decoder, bytes)
    if (character !== undefined && !table.has(character)) table.set(character, bytes)
  }
  return table
}

function decodeOne(decoder: InstanceType<typeof TextDecoder>, bytes: Buffer): string | undefined {
  try {
    const text = decoder.decode(bytes)
    return Array.from(text).length === 1 ? text : undefined
  } catch {
    return undefined
  }
}
