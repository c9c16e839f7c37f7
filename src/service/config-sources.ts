import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { AfterworkError, badOption, didYouMean } from '../core/errors.ts'

/** One setting: where it is looked for, and what its text must be. `what` is how an error calls it. */
export interface Setting<T> {
  flag?: string
  env: string
  parse: (text: string, what: string) => T
  /** The flag has no value, and with `1` for the variable it turns off what the key of the file is, true or false. */
  negated?: true
  /** Several flags are one list, with commas between; of others the last one counts. */
  repeated?: true
  /** Known as a key of the file, which is for another command to read. */
  unread?: true
}

export type Settings = Record<string, Setting<unknown>>
export type Given<S extends Settings> = { [K in keyof S]?: ReturnType<S[K]['parse']> }

const configFile = 'afterwork.config.json'

/** Settings of other commands under these keys: the file may have them. */
export function unread(keys: readonly string[]): Settings {
  return Object.fromEntries(keys.map((key) => [key, { env: '', parse: String, unread: true }]))
}

/** What is given, parsed: a flag wins over a variable, a variable over the file. An empty variable is not given. */
export function readGiven<S extends Settings>(
  settings: S,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  file = configFile,
  command = 'afterwork serve',
): Given<S> {
  const flags = readFlags(settings, args, command)
  const keys = readFile(settings, file)
  const given: Record<string, unknown> = {}
  for (const [key, { flag, env: variable, parse, negated }] of Object.entries(settings)) {
    if (flag !== undefined && flags[flag] !== undefined) given[key] = parse(flags[flag], `--${flag}`)
    else if (env[variable])
      given[key] = parse(negated ? opposite(env[variable], variable) : env[variable], variable)
    else if (keys[key] !== undefined) given[key] = parse(keys[key], `${key} in ${file}`)
  }
  return given as Given<S>
}

function opposite(text: string, what: string): string {
  if (text === '1' || text === '0') return String(text === '0')
  throw badOption(what, "'1' or '0'", text)
}

function readFlags(
  settings: Settings,
  args: readonly string[],
  command: string,
): Record<string, string | undefined> {
  const byFlag = new Map(
    Object.values(settings).flatMap((setting) =>
      setting.flag === undefined ? [] : [[setting.flag, setting] as const],
    ),
  )
  const options = Object.fromEntries(
    Array.from(byFlag, ([flag, { negated }]) => [flag, { type: negated ? 'boolean' : 'string' } as const]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const flags: Record<string, string> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') throw badOption(command, 'flags only', token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const setting = byFlag.get(name)
    if (setting === undefined)
      throw badOption(command, 'a known flag', rawName, didYouMean(name, byFlag.keys()))
    if (setting.negated && value !== undefined) throw badOption(rawName, 'no value', value)
    if (!setting.negated && value === undefined) throw badOption(rawName, 'a value', undefined)
    const earlier = setting.repeated && flags[name] !== undefined ? `${flags[name]},` : ''
    flags[name] = setting.negated ? 'false' : `${earlier}${value}`
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
      if (settings[key]!.unread) return [key, undefined]
      if (settings[key]!.negated) {
        if (typeof value === 'boolean') return [key, String(value)]
        throw badOption(`${key} in ${file}`, 'true or false', value)
      }
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
