import { TaskError } from 'afterwork/worker'

/** How Handlebars, and V8 inside it, say that a value is missing. */
const signs = [
  /^"(.{0,200}?)" not defined in /s,
  /\(reading '(.{0,200}?)'\)$/s,
  /^Cannot use 'in' operator to search for '(.{0,200}?)' in /s,
]

/** A template that the folder does not have: it was there when the request came. */
export function missingTemplate(name: string): TaskError {
  return failure(
    'TEMPLATE_MISSING',
    `Expected the template ${JSON.stringify(name)} in the folder of templates, got none`,
  )
}

/** A value that the data does not have, and the place that shows it. */
export function missingValue(name: string, place: string): TaskError {
  return failure('TEMPLATE_DATA', `Expected a value for ${name} in data, got none: ${place} shows it`)
}

/** A place that shows what has no text, such as `{{user}}` in place of `{{user.name}}`. */
export function printsObject(file: string): TaskError {
  return failure('TEMPLATE_DATA', `Expected texts, numbers and booleans to show, got an object in ${file}`)
}

/** Whatever went wrong while a file of the folder was compiled or rendered; values of the data are not told. */
export function templateError(file: string, error: Error): TaskError {
  const { message } = error
  for (const sign of signs) {
    const name = sign.exec(message)?.[1]
    if (name !== undefined) return missingValue(name, placeOf(file, error))
  }
  const what = message.startsWith('Parse error') ? message.split('\n').at(-1)! : message
  return failure(
    'BAD_TEMPLATE',
    `Expected a template that can be rendered, got ${placeOf(file, error)}: ${what.slice(0, 300)}`,
  )
}

function placeOf(file: string, error: Error): string {
  const { lineNumber } = error as { lineNumber?: number }
  const line = lineNumber ?? /line (\d+)/.exec(error.message)?.[1] ?? / - (\d+):\d+$/.exec(error.message)?.[1]
  return line === undefined ? file : `line ${line} of ${file}`
}

function failure(code: string, message: string): TaskError {
  return new TaskError(message, { retry: false, code })
}
