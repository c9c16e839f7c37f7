/** A piece of text by its encoding; what is no character in it becomes U+FFFD, a byte order mark stays. */
export function decodeText(bytes: Buffer, encoding: string): string {
  if (encoding === 'utf-32le' || encoding === 'utf-32be') return decodeUtf32(bytes, encoding === 'utf-32le')
  return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes)
}

/** UTF-32, which the WHATWG's standard does not have: four bytes a character. */
function decodeUtf32(bytes: Buffer, littleEndian: boolean): string {
  const codes: number[] = []
  const parts: string[] = []
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
    codes.push(code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0xfffd : code)
    if (codes.length === 4096) parts.push(String.fromCodePoint(...codes.splice(0)))
  }
  if (bytes.length % 4 !== 0) codes.push(0xfffd)
  return parts.join('') + String.fromCodePoint(...codes)
}
