import { defaults, type ResolvedOptions } from '../core/options.ts'

/** A reference's options are one object for all its calls. */
const optionsTexts = new WeakMap<ResolvedOptions, string | null>()

/** The options that are not the defaults, as JSON; null when all are. */
export function optionsText(options: ResolvedOptions): string | null {
  let text = optionsTexts.get(options)
  if (text === undefined) {
    const differing = Object.entries(options).filter(([key, value]) => {
      const standard: unknown = defaults[key as keyof ResolvedOptions]
      return value !== standard && JSON.stringify(value) !== JSON.stringify(standard)
    })
    text = differing.length === 0 ? null : JSON.stringify(Object.fromEntries(differing))
    optionsTexts.set(options, text)
  }
  return text
}

/** How many different options are kept parsed: most tasks of one name have the same. */
const mostParsed = 1_000
const parsed = new Map<string, ResolvedOptions>()

export function parseOptions(text: string | null): ResolvedOptions {
  if (text === null) return defaults
  let options = parsed.get(text)
  if (options === undefined) {
    options = { ...defaults, ...(JSON.parse(text) as Partial<ResolvedOptions>) }
    if (parsed.size === mostParsed) parsed.clear()
    parsed.set(text, options)
  }
  return options
}
