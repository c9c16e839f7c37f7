import type { Sending } from './http.ts'

/** One part of a form. */
export interface Part {
  name: string
  content: string | Uint8Array
  /** What the client calls its file, as it stands between the quotes of the header. */
  filename?: string
  type?: string
}

export const boundary = 'a-boundary-of-the-tests'

/** A form as a browser sends it. */
export function multipart(
  parts: readonly Part[],
): Required<Pick<Sending, 'method' | 'headers'>> & { body: Buffer } {
  const pieces = parts.flatMap(({ name, content, filename, type }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    filename === undefined
      ? ''
      : `; filename="${filename}"\r\nContent-Type: ${type ?? 'application/octet-stream'}`,
    '\r\n\r\n',
    content,
    '\r\n',
  ])
  return {
    method: 'POST',
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece as string))),
  }
}

/** A form with one file in the field `file`. */
export function fileForm(content: string | Uint8Array, filename = 'a.txt', type = 'text/plain') {
  return multipart([{ name: 'file', content, filename, type }])
}
