import { visible } from '../text.js'

/** @typedef {{ name: string, address: string }} Mailbox */

/** Both, for a name may say anything. @param {Mailbox} mailbox */
export function mailboxText({ name, address }) {
  return visible(name && name !== address ? `${name} <${address}>` : address || 'nobody')
}

/** @param {Mailbox[]} mailboxes */
export const mailboxesText = (mailboxes) => mailboxes.map(mailboxText).join(', ')

/** As short as it is clear. @param {string} iso */
export function shortTime(iso) {
  const time = new Date(iso)
  const now = new Date()
  if (time.toDateString() === now.toDateString())
    return time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  const year = time.getFullYear() === now.getFullYear() ? {} : { year: /** @type {const} */ ('numeric') }
  return time.toLocaleDateString(undefined, { day: 'numeric', month: 'short', ...year })
}
