import type { Attachment, Email } from 'postal-mime'

/** Characters of a body that are shown. */
const maxHtml = 5_000_000
/** Bytes of the pictures that are put into it, each time that they are named. */
const maxPictures = 20 * 1024 ** 2

const picture = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/
/** Where a body names what is to be loaded; the blanks are bounded, or a megabyte of them would be looked at often. */
const place = String.raw`(?:\b(?:src|srcset|background|poster)\s{0,9}=|\burl\()\s{0,9}["']?\s{0,9}`
const inline = new RegExp(String.raw`(${place})cid:([^"'\s>)]{1,500})`, 'gi')
const remote = new RegExp(String.raw`${place}((?:https?:)?//[^"'\s>)]{1,2000})`, 'gi')

/**
 * The HTML body as a document of its own for a sandboxed frame: pictures that came with the message are in it as data
 * URLs, for a sandboxed document has no cookie to ask for them with; links open in a new tab.
 */
export function documentOf({ html = '', attachments }: Email): string {
  let room = maxPictures
  const body = html.slice(0, maxHtml).replace(inline, (whole, before: string, given: string) => {
    const found = attachments.find(({ contentId }) => contentId === `<${decoded(given)}>`)
    if (found === undefined || !picture.test(found.mimeType)) return whole
    room -= bytesOf(found).length
    return room < 0 ? whole : before + dataUrl(found)
  })
  // Behind the doctype, without which the body would be shown by other rules than it asks for.
  const doctype = /^\s{0,99}<!doctype[^<>]{0,500}>/i.exec(body)?.[0] ?? ''
  return `${doctype}<base target="_blank">${body.slice(doctype.length)}`
}

/** How many different addresses a body would load something from; the frame loads none of them by itself. */
export function countRemote({ html = '' }: Email): number {
  return new Set(Array.from(html.slice(0, maxHtml).matchAll(remote), ([, url]) => url)).size
}

export function bytesOf({ content }: Attachment): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content)
}

function dataUrl(attachment: Attachment): string {
  return `data:${attachment.mimeType};base64,${Buffer.from(bytesOf(attachment)).toString('base64')}`
}

function decoded(contentId: string): string {
  try {
    return decodeURIComponent(contentId.replaceAll('&amp;', '&'))
  } catch {
    return contentId
  }
}
