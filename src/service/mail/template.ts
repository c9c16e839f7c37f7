import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../../koa/problem.ts'

/** It becomes the name of a file: no dots, no slashes. */
const templateName = /^[a-z0-9-]{1,100}$/

/** Files of the folder that are no message of their own. */
const reserved = ['layout']

/** A template of the folder, as a request may name it. */
export interface Template {
  name: string
  /** Whether it brings a subject, so that the request need not. */
  hasSubject: boolean
}

/** Looks a template up in its folder, which need not exist; throws UNKNOWN_TEMPLATE. */
export async function templateOf(folder: string, name: unknown): Promise<Template> {
  if (typeof name === 'string' && templateName.test(name) && !reserved.includes(name)) {
    const is = (ending: string) => isFile(join(folder, `${name}${ending}`))
    if ((await is('.hbs')) || (await is('.txt.hbs'))) return { name, hasSubject: await is('.subject.hbs') }
  }
  const got = JSON.stringify(String(name).slice(0, 100))
  throw new Problem(
    422,
    'UNKNOWN_TEMPLATE',
    `template: Expected the name of a file NAME.hbs or NAME.txt.hbs in the folder of templates, got ${got}`,
  )
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ?? false
}
