import type { ReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { TaskError, type StoredFile } from 'afterwork/worker'

/** Bytes of all attachments of a message, as they are on disk; base64 makes a third more of them. */
const maxBytes = 25 * 1024 ** 2

/**
 * Bytes read at a time: each read is a round through libuv's threads. In base64 a chunk stays below 128 KB: for a longer
 * string V8 asks the system for memory of its own, each time.
 */
const chunk = 88 * 1024

/** A stored file, or one of its variants, that goes out with a message. */
export interface Attachment {
  /** As the arguments of the task name it, it is kept until the message has gone out. */
  file: StoredFile
  /** Such as `report.pdf`; without it the file itself is meant. */
  variant?: string
  /** What the recipient sees. */
  name: string
  /** A media type, such as `application/pdf`. */
  type: string
  /** An image of the body, which names it so: `<img src="cid:logo">`. */
  cid?: string
}

/** An attachment as nodemailer takes it. */
export interface OpenAttachment {
  filename: string
  contentType: string
  contentDisposition: 'attachment' | 'inline'
  content: ReadStream
  cid?: string
}

/**
 * Opens the attachments of a message and hands them to `use`; they are closed when that is done, read or not.
 * @throws TaskError, not retried: ATTACHMENT_MISSING, ATTACHMENTS_TOO_LARGE; the system's error for other troubles
 */
export async function withAttachments<T>(
  attachments: readonly Attachment[],
  use: (opened: OpenAttachment[]) => Promise<T>,
): Promise<T> {
  const handles: FileHandle[] = []
  const streams: ReadStream[] = []
  try {
    for (const attachment of attachments) handles.push(await openStored(attachment))
    await checkSizes(handles)
    for (const handle of handles) streams.push(handle.createReadStream({ highWaterMark: chunk }))
    return await use(
      attachments.map(({ name, type, cid }, index) => ({
        filename: name,
        contentType: type,
        contentDisposition: cid === undefined ? 'attachment' : 'inline',
        content: streams[index]!,
        ...(cid === undefined ? {} : { cid }),
      })),
    )
  } finally {
    // First the streams: one that is still being read would fail on a closed file, and nobody listens any more.
    for (const stream of streams) stream.destroy()
    for (const handle of handles) await handle.close()
  }
}

async function openStored({ file, variant, name }: Attachment): Promise<FileHandle> {
  const path = variant === undefined ? file.path : `${file.path}.${variant}`
  try {
    return await open(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    const message = `Expected the attachment ${JSON.stringify(name.slice(0, 100))} in the store, got no such file`
    throw new TaskError(message, { retry: false, code: 'ATTACHMENT_MISSING', cause })
  }
}

async function checkSizes(handles: readonly FileHandle[]): Promise<void> {
  let bytes = 0
  for (const handle of handles) bytes += (await handle.stat()).size
  if (bytes <= maxBytes) return
  throw new TaskError(`Expected attachments of at most ${maxBytes} bytes, got ${bytes}`, {
    retry: false,
    code: 'ATTACHMENTS_TOO_LARGE',
  })
}
