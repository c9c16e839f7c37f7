import type { Body } from './body.ts'
import { templateData, withValues } from './template-data.ts'
import { missingTemplate } from './template-error.ts'
import { TemplateFolder } from './template-folder.ts'

/** What a template is given. */
export interface TemplateInput {
  data: Readonly<Record<string, unknown>>
  /** The subject of the request; without it that of the template. */
  subject?: string | undefined
}

/** It becomes the name of a file: no dots, no slashes. */
const templateName = /^[a-z0-9-]{1,100}$/

/** One a folder, for as long as the thread lives. */
const folders = new Map<string, TemplateFolder>()

/**
 * Renders the template `name` of a folder: NAME.hbs inside layout.hbs, NAME.txt.hbs and NAME.subject.hbs, each where it
 * is there. Files are compiled when they are first needed, and again when they have changed.
 * @throws TaskError, not retried: TEMPLATE_MISSING, BAD_TEMPLATE, TEMPLATE_DATA
 */
export async function render(
  folder: string,
  name: string,
  { data, subject }: TemplateInput,
): Promise<Partial<Body>> {
  if (!templateName.test(name)) throw missingTemplate(name)
  const templates = folders.get(folder) ?? new TemplateFolder(folder, (await import('handlebars')).default)
  folders.set(folder, templates)
  templates.refresh()
  const values = templateData(data)
  const page = templates.html(`${name}.hbs`)
  const plain = templates.text(`${name}.txt.hbs`)
  if (page === undefined && plain === undefined) throw missingTemplate(name)

  const line = subject ?? oneLine(templates.text(`${name}.subject.hbs`)?.(values))
  const text = plain?.(values)
  const body = page?.(values)
  const layout = body === undefined ? undefined : templates.html('layout.hbs')
  const html = layout === undefined ? body : layout(withValues(values, { subject: line ?? '', body }))
  return {
    ...(line === undefined ? {} : { subject: line }),
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
  }
}

/** A subject that a template made of data: whatever white space there is in it, it is one line. */
function oneLine(subject: string | undefined): string | undefined {
  return subject
    ?.replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim()
}
