import { parseArgs } from 'node:util'
import { badOption, didYouMean } from '../../core/errors.ts'

const options = {
  from: { type: 'string' },
  to: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What was said to `afterwork move`. */
export interface Flags {
  from: string | undefined
  to: string | undefined
  json: boolean
  help: boolean
}

/** Throws AFTERWORK_BAD_OPTION for a flag that there is not, one without its value, and words. */
export function readFlags(args: readonly string[]): Flags {
  const flags: Flags = { from: undefined, to: undefined, json: false, help: false }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') throw badOption('afterwork move', 'flags only', token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    switch (name) {
      case 'from':
      case 'to':
        if (!value) throw badOption(rawName, 'a value', undefined)
        flags[name] = value
        break
      case 'json':
      case 'help':
        if (value !== undefined) throw badOption(rawName, 'no value', value)
        flags[name] = true
        break
      default:
        throw badOption('afterwork move', 'a known flag', rawName, didYouMean(name, Object.keys(options)))
    }
  }
  return flags
}
