import { parseArgs } from 'node:util'
import { badOption, didYouMean } from '../core/errors.ts'

/** Flags that say whom to ask, and how to answer; every command that works on a queue or a service has them. */
const common = {
  url: 'string',
  data: 'string',
  queue: 'string',
  'token-file': 'string',
  json: 'boolean',
  help: 'boolean',
} as const

/** What each flag of a command wants. */
export type Spec = Readonly<Record<string, 'string' | 'boolean'>>

/** A command line, read. */
export interface Flags {
  /** What is no flag. */
  words: string[]
  json: boolean
  help: boolean
  /** The flags that say whom to ask, as they were given. */
  where: string[]
  text(name: string): string | undefined
  has(name: string): boolean
}

/** Reads the flags of `command`; throws AFTERWORK_BAD_OPTION for one that it does not have, or that lacks its value. */
export function readFlags(command: string, spec: Spec, args: readonly string[]): Flags {
  const known: Spec = { ...common, ...spec }
  const options = Object.fromEntries(Object.entries(known).map(([name, type]) => [name, { type }]))
  const { tokens } = parseArgs({
    args: args.map((arg) => (arg === '-h' ? '--help' : arg)),
    options,
    strict: false,
    tokens: true,
  })
  const values = new Map<string, string>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!Object.hasOwn(known, name)) {
      throw badOption(`afterwork ${command}`, 'a known flag', rawName, didYouMean(name, Object.keys(known)))
    }
    if (known[name] === 'string' && !value) throw badOption(rawName, 'a value', undefined)
    if (known[name] === 'boolean' && value !== undefined) throw badOption(rawName, 'no value', value)
    values.set(name, value ?? '')
  }
  const where = ['url', 'data', 'queue', 'token-file'].flatMap((name) => {
    const value = values.get(name)
    return value === undefined ? [] : [`--${name}=${value}`]
  })
  return {
    words,
    where,
    json: values.has('json'),
    help: values.has('help'),
    text: (name) => values.get(name),
    has: (name) => values.has(name),
  }
}

/** Throws AFTERWORK_BAD_OPTION when there are words where only flags belong. */
export function noWords(command: string, { words }: Flags): void {
  if (words.length > 0) throw badOption(`afterwork ${command}`, 'flags only', words[0])
}
