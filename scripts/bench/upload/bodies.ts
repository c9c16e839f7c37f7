/** What a body is made of. */
export interface BodyParameters {
  /** Bytes of the file. */
  size: number
}

/** Separates the parts of a form. */
const boundary = 'afterwork-benchmark-4f1b9c7d'

/** Of a form with one file. */
export const formType = `multipart/form-data; boundary=${boundary}`

const files = new Map<number, Buffer>()
const forms = new Map<number, Buffer>()

/** A file without anything around it: the same bytes each time, for making others would cost more than to send them. */
export function raw(_sequence: number, { size }: BodyParameters): Buffer {
  let file = files.get(size)
  if (file === undefined) files.set(size, (file = noise(size)))
  return file
}

/** The same file as the field `file` of a form. */
export function form(sequence: number, parameters: BodyParameters): Buffer {
  const { size } = parameters
  let whole = forms.get(size)
  if (whole !== undefined) return whole
  const head = [
    `--${boundary}`,
    'Content-Disposition: form-data; name="file"; filename="scan 0001.bin"',
    'Content-Type: application/octet-stream',
    '\r\n',
  ].join('\r\n')
  whole = Buffer.concat([
    Buffer.from(head),
    raw(sequence, parameters),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  forms.set(size, whole)
  return whole
}

/** A megabyte that looks random, over and over: such as a photo or an archive, in which a boundary could begin anywhere. */
function noise(size: number): Buffer {
  const words = new Uint32Array(256 * 1024)
  let state = 2_463_534_242
  for (let index = 0; index < words.length; index++) {
    // Xorshift, G. Marsaglia 2003.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state
  }
  return Buffer.alloc(size, Buffer.from(words.buffer))
}
