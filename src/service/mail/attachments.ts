import type { Attachment } from '../../../workers/mail/attachments.ts'
import type { Afterwork } from '../../afterwork.ts'
import type { StoredFile } from '../../core/stored-file.ts'
import { downloadName } from '../../files/name.ts'
import { Problem } from '../../koa/problem.ts'
import { invalid } from '../body.ts'
import { storedFile } from '../stored-file.ts'

/** Of one message, the images of its body included. */
const maxFiles = 20
/** Bytes of them all; base64 makes a third more of them, and many servers take no more than 35 MB. */
const maxBytes = 25 * 1024 ** 2

/** RFC 6838, 4.2, without parameters. Parts of a message and whole ones are files here, nothing to take apart. */
const mediaType = /^(?:application|audio|font|image|model|text|video)\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/
/** What mail clients show in a message. */
const imageType = /^image\/(?:png|jpeg|gif|webp)$/
const contentId = /^[a-z0-9_-]{1,50}$/i

/** The files that a request names, by their ids only: neither paths nor URLs. */
export interface Attached {
  attachments: readonly string[]
  /** Images by the names that the body has for them. */
  inline: ReadonlyMap<string, string>
}

/** The fields attachments and inline; throws INVALID_FIELD. */
export function attachedOf(attachments: unknown = [], inline: unknown = {}): Attached {
  const ids = Array.isArray(attachments) ? (attachments as unknown[]) : [attachments]
  const attached = {
    attachments: [...new Set(ids.map((id) => idOf(id, 'attachments')))],
    inline: imagesOf(inline),
  }
  if (attached.attachments.length + attached.inline.size > maxFiles)
    throw invalid('attachments', `at most ${maxFiles} files, inline ones included`)
  return attached
}

/**
 * The stored files behind the ids, under names and types that are fit for a header.
 * @throws FILE_NOT_FOUND, ATTACHMENTS_TOO_LARGE; INVALID_FIELD for an inline one that is no image
 */
export async function findAttached(afterwork: Afterwork, attached: Attached): Promise<Attachment[]> {
  const found: Attachment[] = []
  for (const id of attached.attachments) found.push(attachmentOf(await storedFile(afterwork, id)))
  for (const [cid, id] of attached.inline) {
    const image = attachmentOf(await storedFile(afterwork, id))
    if (!imageType.test(image.type))
      throw invalid(`inline.${cid}`, 'a file that was uploaded as PNG, JPEG, GIF or WebP')
    found.push({ ...image, cid })
  }
  const bytes = found.reduce((sum, { file }) => sum + file.size, 0)
  if (bytes <= maxBytes) return found
  throw new Problem(
    422,
    'ATTACHMENTS_TOO_LARGE',
    `attachments: Expected at most ${maxBytes} bytes in all, got ${bytes}`,
  )
}

function attachmentOf(file: StoredFile): Attachment {
  const type = file.type.split(';', 1)[0]!.trim().toLowerCase()
  return {
    file,
    // What looks like an encoded word (RFC 2047) would be decoded by whoever reads it.
    name: downloadName(file.name).replaceAll('=?', '=_'),
    type: mediaType.test(type) ? type : 'application/octet-stream',
  }
}

function imagesOf(given: unknown): ReadonlyMap<string, string> {
  const inline = typeof given === 'string' ? parsed(given) : given
  if (typeof inline !== 'object' || inline === null || Array.isArray(inline))
    throw invalid('inline', 'an object such as { "logo": FILE_ID }')
  const images = new Map<string, string>()
  for (const [name, id] of Object.entries(inline)) {
    if (!contentId.test(name)) throw invalid('inline', 'names of letters, digits, - and _')
    images.set(name, idOf(id, 'inline'))
  }
  return images
}

/** In a form it is text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function idOf(given: unknown, field: string): string {
  if (typeof given === 'string' && given !== '') return given
  throw invalid(field, 'ids of files that were uploaded, nothing else')
}
