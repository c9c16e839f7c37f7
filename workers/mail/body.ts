import { TaskError } from 'afterwork/worker'
import type { Message } from './message.ts'

/** RFC 5322, 2.1.1: characters of a line. */
const maxSubject = 900
/** Characters; what a template may make of data, and more than any mail client shows. */
const maxBody = 2 * 1024 ** 2

/** What a message says. */
export interface Body {
  subject: string
  text?: string
  html?: string
}

type Content = Partial<Body>

/**
 * What a message says, from whichever source it has: the text part is the one given, or made of the body.
 * @throws TaskError, not retried: BAD_SUBJECT, BODY_TOO_LARGE, and those of the template
 */
export async function bodyOf(message: Message, templates: string): Promise<Body> {
  const content = await contentOf(message, templates)
  const subject = message.subject ?? content.subject ?? ''
  // That of a request was looked at when it came.
  if (message.subject === undefined) checkSubject(subject)
  const { html } = content
  const text = message.text ?? content.text ?? (html === undefined ? undefined : await textOf(html))
  for (const part of [html, text]) checkSize(part)
  return {
    subject,
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
  }
}

/** Engines are loaded when the first message needs them. */
async function contentOf(
  { subject, html, markdown, template, data }: Message,
  templates: string,
): Promise<Content> {
  if (template !== undefined) {
    const { render } = await import('./template.ts')
    return render(templates, template, { data: data ?? {}, subject })
  }
  if (markdown !== undefined) {
    const { markdownToHtml, markdownAsText } = await import('./markdown.ts')
    return { html: markdownToHtml(markdown, subject), text: markdownAsText(markdown) }
  }
  return html === undefined ? {} : { html }
}

async function textOf(html: string): Promise<string> {
  const { htmlToText } = await import('./text-part.ts')
  return htmlToText(html)
}

function checkSubject({ length }: string): void {
  if (length > 0 && length <= maxSubject) return
  throw new TaskError(`Expected a subject of 1 to ${maxSubject} characters, got ${length}`, {
    retry: false,
    code: 'BAD_SUBJECT',
  })
}

function checkSize(part = ''): void {
  if (part.length <= maxBody) return
  throw new TaskError(`Expected a body of at most ${maxBody} characters, got ${part.length}`, {
    retry: false,
    code: 'BODY_TOO_LARGE',
  })
}
