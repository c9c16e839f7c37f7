import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { AfterworkError, badOption, didYouMean } from '../core/errors.ts'

/** One setting: where it is looked for, and what its text must be. `what` is how an error calls it. */
export interface Setting<T> {
  flag?: string
  env: string
  parse: (text: string, what: string) => T
}

type Settings = Record<string, Setting<unknown>>
type Given<S extends Settings> = { [K in keyof S]?: ReturnType<S[K]['parse']> }

const configFile = 'afterwork.config.json'

/** What is given, parsed: a flag wins over a variable, a variable over the file. An empty variable is not given. */
export function readGiven<S extends Settings>(
  settings: S,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  file = configFile,
): Given<S> {
  const flags = readFlags(settings, args)
  const keys = readFile(settings, file)
  const given: Record<string, unknown> = {}
  for (const [key, { flag, env: variable, parse }] of Object.entries(settings)) {
    if (flag !== undefined && flags[flag] !== undefined) given[key] = parse(flags[flag], `--${flag}`)
    else if (env[variable]) given[key] = parse(env[variable], variable)
    else if (keys[key] !== undefined) given[key] = parse(keys[key], `${key} in ${file}`)
  }
  return given as Given<S>
}

function readFlags(settings: Settings, args: readonly string[]): Record<string, string | undefined> {
  const names = Object.values(settings).flatMap(({ flag }) => flag ?? [])
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const flags: Record<string, string> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') throw badOption('afterwork serve', 'flags only', token.value)
    if (token.kind !== 'option') continue
    if (!names.includes(token.name))
      throw badOption('afterwork serve', 'a known flag', token.rawName, didYouMean(token.name, names))
    if (token.value === undefined) throw badOption(token.rawName, 'a value', undefined)
    flags[token.name] = token.value
  }
  return flags
}

function readFile(settings: Settings, file: string): Record<string, string | undefined> {
  const content = contentOf(file)
  if (content === undefined) return {}
  const parsed = parse(content, file)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badOption(file, 'a JSON object', parsed)
  const known = Object.keys(settings)
  return Object.fromEntries(
    Object.entries(parsed).map(([key, value]) => {
      if (!known.includes(key)) throw badOption(file, 'a known key', key, didYouMean(key, known))
      if (typeof value === 'string' || typeof value === 'number') return [key, String(value)]
      if (Array.isArray(value)) return [key, value.join(',')]
      throw badOption(`${key} in ${file}`, 'a string or number', value)
    }),
  )
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AfterworkError('AFTERWORK_BAD_OPTION', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function parse(content: string, file: string): unknown {
  try {
    return JSON.parse(content)
  } catch (cause) {
    throw new AfterworkError('AFTERWORK_BAD_OPTION', `${file} is not JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
}
