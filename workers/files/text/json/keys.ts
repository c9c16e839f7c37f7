import { cleanLine } from '../clean.ts'
import type { JsonObserver } from './scanner.ts'

const maxNames = 100
const maxNameLength = 100
/** Of all objects that are open at a time: some megabytes. */
const maxCompared = 100_000

/** Keys that an object has more than once, of which parsers silently take one. */
export interface DuplicateKeys {
  count: number
  /** The first of them, and the line in which it comes again. */
  key: string
  /** From 1. */
  line: number
}

/** Learns the names of a JSON's keys, and finds those that come twice in an object. */
export class JsonKeys implements JsonObserver {
  /** Those of the root, or of the first object in a root that is an array: at most 100. */
  readonly names: string[] = []
  /** How many there are, of which `names` may have but some. */
  count = 0
  duplicates: DuplicateKeys | undefined

  #namesDepth: number | undefined
  /** By depth, hashes of the keys of each open object that has any. */
  readonly #seen = new Map<number, Set<number>>()
  #compared = 0

  open(depth: number, isObject: boolean): void {
    if (isObject && depth <= 2) this.#namesDepth ??= depth
  }

  key(name: string, depth: number, line: number): void {
    if (this.#isDuplicate(name, depth)) {
      this.duplicates ??= { count: 0, key: cleanLine(name, maxNameLength), line }
      this.duplicates.count++
    } else if (depth === this.#namesDepth) {
      this.count++
      if (this.names.length < maxNames) this.names.push(cleanLine(name, maxNameLength))
    }
  }

  close(depth: number): void {
    if (depth === this.#namesDepth) this.#namesDepth = 0
    this.#compared -= this.#seen.get(depth)?.size ?? 0
    this.#seen.delete(depth)
  }

  /** Past the bound keys are no longer compared, so the count is at least what it says. */
  #isDuplicate(name: string, depth: number): boolean {
    let seen = this.#seen.get(depth)
    if (seen === undefined) {
      if (this.#compared >= maxCompared) return false
      seen = new Set()
      this.#seen.set(depth, seen)
    }
    const hash = hashOf(name)
    if (seen.has(hash)) return true
    if (this.#compared < maxCompared) {
      seen.add(hash)
      this.#compared++
    }
    return false
  }
}

/** 53 bits, by cyrb53 (github.com/bryc/code): a name itself could hold on to the piece of text that it was cut from. */
function hashOf(name: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}
