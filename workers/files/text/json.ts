import { Excerpt } from './json/excerpt.ts'
import type { JsonFault } from './json/fault.ts'
import { JsonKeys, type DuplicateKeys } from './json/keys.ts'
import { JsonScanner, type JsonType } from './json/scanner.ts'

/** Where a JSON text breaks, and what is there. */
export interface JsonError extends JsonFault {
  /** Up to 40 code units on either side, on one line. */
  excerpt: string
}

/** What a JSON text holds: all of it, or up to where it breaks. */
export interface JsonDescription {
  valid: boolean
  /** Where it is not valid. */
  error?: JsonError
  root?: JsonType
  /** Of the root, or of the first object in a root that is an array: the first 100, each cut to 100 characters. */
  keys?: string[]
  /** Where there are more than those. */
  keyCount?: number
  /** Elements of a root that is an array. */
  items?: number
  /** Objects and arrays around the deepest value. */
  depth: number
  /** Values of every kind, objects and arrays among them. */
  values: number
  /** Where there are any; at least those of objects with less than 100 000 keys. */
  duplicateKeys?: DuplicateKeys
}

/** Describes a JSON text that comes in pieces, in bounded memory. */
export class JsonReader {
  readonly #keys: JsonKeys | undefined
  readonly #scanner: JsonScanner
  readonly #excerpt = new Excerpt()
  #length = 0

  /** @param keys whether to look at keys, too: it takes longer than all the rest */
  constructor(keys = true) {
    this.#keys = keys ? new JsonKeys() : undefined
    this.#scanner = new JsonScanner(this.#keys)
  }

  add(text: string): void {
    const { fault } = this.#scanner
    this.#scanner.feed(text)
    const found = fault === undefined ? this.#scanner.fault : undefined
    this.#excerpt.feed(text, found && found.offset - this.#length)
    this.#length += text.length
  }

  /** Ends the text and says what it was. */
  describe(): JsonDescription {
    const scanner = this.#scanner
    scanner.end()
    const { fault, root, items } = scanner
    const { names = [], count = 0, duplicates } = this.#keys ?? {}
    return {
      valid: fault === undefined,
      ...(fault !== undefined && { error: { ...fault, excerpt: this.#excerpt.toString() } }),
      ...(root !== undefined && { root }),
      ...(names.length > 0 && { keys: names }),
      ...(count > names.length && { keyCount: count }),
      ...(root === 'array' && { items }),
      depth: scanner.deepest,
      values: scanner.values,
      ...(duplicates !== undefined && { duplicateKeys: duplicates }),
    }
  }
}
