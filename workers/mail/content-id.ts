import { TaskError } from 'afterwork/worker'
import type { Attachment } from './attachments.ts'
import type { Body } from './body.ts'

/** RFC 2392: how a body names one of its parts. */
const reference = /\bcid:([a-z0-9_.-]+)/gi

/** The same where it is an image, not a word of the text. */
const image =
  /(?:\b(?:src|srcset|background)\s{0,9}=\s{0,9}["']?|\burl\(\s{0,9}["']?)\s{0,9}cid:([^"'\s)>]*)/gi

/**
 * Gives the inline images of a body names that no other message has: `cid:logo` becomes `cid:logo.` and the message's
 * id, for a mail client may take images of equal names for the same one.
 * @throws TaskError UNKNOWN_IMAGE, not retried, for an image that the message does not bring
 */
export function withContentIds(body: Body, attachments: readonly Attachment[], messageId: string): Body {
  const { html } = body
  if (html === undefined) return body
  const known = new Set(attachments.flatMap(({ cid }) => cid ?? []))
  for (const [, name = ''] of html.matchAll(image)) {
    if (!known.has(name)) throw unknownImage(name, known)
  }
  const renamed = html.replace(reference, (whole: string, name: string) =>
    known.has(name) ? `cid:${name}.${messageId}` : whole,
  )
  return { ...body, html: renamed }
}

function unknownImage(name: string, known: ReadonlySet<string>): TaskError {
  const expected =
    known.size === 0 ? 'no image by cid:, as none is inline' : `cid: of ${[...known].join(', ')}`
  const got = JSON.stringify(name.slice(0, 100))
  return new TaskError(`Expected ${expected}, got ${got}`, { retry: false, code: 'UNKNOWN_IMAGE' })
}
