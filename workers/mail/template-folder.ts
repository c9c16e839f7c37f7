import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TaskError } from 'afterwork/worker'
import type Handlebars from 'handlebars'
import { missingValue, printsObject, templateError } from './template-error.ts'
import { printedObject } from './template-data.ts'

type Engine = typeof Handlebars

/** A compiled file: what it says with these values. */
export type Render = (values: object) => string

/** Whether `{{value}}` is escaped for HTML, or shown as it is. */
type Escaping = 'html' | 'text'

interface Compiled {
  stamp: string
  render: Render
}

const partials = 'partials'

/**
 * The templates of a folder, compiled when they are first needed and again when their files have changed. Files are looked
 * at synchronously: a few microseconds each, of a thread that has mails to compose.
 */
export class TemplateFolder {
  readonly #folder: string
  readonly #handlebars: Engine
  readonly #compiled = new Map<string, Compiled>()
  /** HTML and text have engines of their own: an engine keeps partials as it first compiled them, escaping or not. */
  #engines: Record<Escaping, Engine> | undefined
  #partialsStamp = ''

  constructor(folder: string, handlebars: Engine) {
    this.#folder = folder
    this.#handlebars = handlebars
  }

  /** Reads the partials again if there are others than before, or some have changed. */
  refresh(): void {
    const stamps = this.#partialNames().map((name) => [name, this.#stampOf(join(partials, name))])
    const stamp = JSON.stringify(stamps)
    if (this.#engines !== undefined && stamp === this.#partialsStamp) return
    this.#partialsStamp = stamp
    this.#compiled.clear()
    this.#engines = { html: this.#engine('html'), text: this.#engine('text') }
  }

  /** A file whose values are escaped for HTML, or undefined if there is none of that name. */
  html(file: string): Render | undefined {
    return this.#get(file, 'html')
  }

  /** A file whose values are shown as they are, or undefined if there is none of that name. */
  text(file: string): Render | undefined {
    return this.#get(file, 'text')
  }

  #get(file: string, escaping: Escaping): Render | undefined {
    const stamp = this.#stampOf(file)
    if (stamp === undefined) return undefined
    const known = this.#compiled.get(file)
    if (known?.stamp === stamp) return known.render
    const compiled = this.#compile(this.#engines![escaping], file, escaping)
    const render: Render = (values) => {
      const shown = compiled(values)
      if (shown.includes(printedObject)) throw printsObject(file)
      return shown
    }
    this.#compiled.set(file, { stamp, render })
    return render
  }

  #engine(escaping: Escaping): Engine {
    const engine = this.#handlebars.create()
    for (const name of this.#partialNames())
      engine.registerPartial(
        name.slice(0, -'.hbs'.length),
        this.#compile(engine, join(partials, name), escaping),
      )
    return engine
  }

  /** It is parsed when it is first called; what goes wrong then or later is told with the name of the file. */
  #compile(engine: Engine, file: string, escaping: Escaping): HandlebarsTemplateDelegate {
    const source = readFileSync(join(this.#folder, file), 'utf8')
    const template = engine.compile<object>(source, { strict: true, noEscape: escaping === 'text' })
    return (values, options) => {
      try {
        checkPassed(file, values)
        return template(values, options)
      } catch (error) {
        throw error instanceof TaskError ? error : templateError(file, error as Error)
      }
    }
  }

  #partialNames(): string[] {
    try {
      return readdirSync(join(this.#folder, partials))
        .filter((name) => name.endsWith('.hbs'))
        .toSorted()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  /** Another one once the file was written or replaced. */
  #stampOf(file: string): string | undefined {
    const stat = statSync(join(this.#folder, file), { throwIfNoEntry: false, bigint: true })
    return stat?.isFile() ? `${stat.mtimeNs}:${stat.size}:${stat.ino}` : undefined
  }
}

/** What `{{> button url=link}}` passes on is missing where `link` is: JSON has nothing undefined. */
function checkPassed(file: string, values: unknown): void {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return
  for (const [name, value] of Object.entries(values)) if (value === undefined) throw missingValue(name, file)
}
