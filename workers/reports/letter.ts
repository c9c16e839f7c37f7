import type { StoredFile } from 'afterwork/worker'
import type { Attachment } from '../mail/attachments.ts'
import type { Message } from '../mail/message.ts'
import { moment } from './format.ts'
import type { Report } from './report.ts'
import { cut, escaped, visible } from './visible.ts'

/** Characters of a file's name in a subject or an attachment's name. */
const maxName = 80
/** Notes that are repeated in a mail. */
const maxNotes = 5

/** The mail that brings a report, without its recipient: a few lines of text, and both documents attached. */
export function letterOf(
  file: StoredFile,
  report: Report,
  subject = `Report: ${cut(visible(report.name), maxName)}`,
): Omit<Message, 'to'> {
  const notes = report.notes.slice(0, maxNotes)
  const left = report.notes.length - notes.length
  if (left > 0) notes.push(`And ${left} more in the report.`)
  return {
    subject,
    text: textOf(report, notes),
    html: htmlOf(report, notes),
    attachments: attachmentsOf(file),
    date: report.date,
  }
}

function textOf({ name, date, glance }: Report, notes: readonly string[]): string {
  return [
    `${visible(name)}`,
    `A summary of the table, made on ${moment(date)}; the whole of it is attached as a page and as a PDF.`,
    '',
    ...glance.map(({ label, value }) => `${label}: ${visible(value)}`),
    ...(notes.length > 0 ? ['', 'Worth knowing:', ...notes.map((note) => `- ${visible(note)}`)] : []),
    '',
  ].join('\n')
}

function htmlOf({ name, date, glance }: Report, notes: readonly string[]): string {
  const facts = glance.map(
    ({ label, value }) =>
      `<tr><td style="padding:2px 16px 2px 0;color:#5b6675">${escaped(label)}</td><td><b>${escaped(value)}</b></td></tr>`,
  )
  const items = notes.map((note) => `<li>${escaped(note)}</li>`)
  return `<div style="font:15px/1.5 Arial,sans-serif">
<h2 style="margin:0">${escaped(name)}</h2>
<p>A summary of the table, made on ${moment(date)}; the whole of it is attached as a page and as a PDF.</p>
<table style="border-collapse:collapse">${facts.join('')}</table>
${items.length > 0 ? `<p>Worth knowing:</p><ul>${items.join('')}</ul>` : ''}</div>
`
}

function attachmentsOf(file: StoredFile): Attachment[] {
  const plain = visible(file.name).replace(/\.(?:csv|tsv|txt|tab)$/iu, '')
  const base = cut(plain.replace(/[/\\:*?"<>|]/gu, '_'), maxName)
  return [
    { file, variant: 'report.html', name: `${base} report.html`, type: 'text/html; charset=utf-8' },
    { file, variant: 'report.pdf', name: `${base} report.pdf`, type: 'application/pdf' },
  ]
}
