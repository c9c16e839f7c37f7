/** One value of a tally. */
export interface Tallied {
  value: string
  count: number
}

/** How large the tallies of a table may grow. */
export interface TallyLimits {
  /** Values a column. */
  values: number
  /** Characters a column, of all its values. */
  characters: number
}

/**
 * Counts each value of a column as long as they are few: a hash table with open addressing that looks values up where they
 * stand in a longer text, so that a value which was there before costs neither a string nor a second look at what it is.
 */
export class Tally {
  /** In the order in which they came first. */
  readonly #values: Tallied[] = []
  readonly #limits: TallyLimits
  #characters = 0
  /** Twice or more the number of values, a power of two. */
  #slots = new Int32Array(32)
  /** Of each slot's value. */
  #hashes = new Int32Array(32)

  constructor(limits: TallyLimits) {
    this.#limits = limits
  }

  /** Counts a part of a text; false when it is a new one and there is no room for it. */
  add(text: string, start: number, end: number, hash: number): boolean {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (let index = this.#slots[slot]!; index !== 0; index = this.#slots[slot]!) {
      if (this.#hashes[slot] === hash) {
        const tallied = this.#values[index - 1]!
        if (isAt(tallied.value, text, start, end)) {
          tallied.count++
          return true
        }
      }
      slot = (slot + 1) & mask
    }
    if (this.#values.length === this.#limits.values) return false
    if (this.#characters + (end - start) > this.#limits.characters) return false
    this.#characters += end - start
    this.#values.push({ value: detached(text, start, end), count: 1 })
    this.#slots[slot] = this.#values.length
    this.#hashes[slot] = hash
    if (this.#values.length * 2 > mask) this.#grow()
    return true
  }

  /** In the order in which they came first. */
  get values(): readonly Tallied[] {
    return this.#values
  }

  #grow(): void {
    const [slots, hashes] = [this.#slots, this.#hashes]
    this.#slots = new Int32Array(slots.length * 2)
    this.#hashes = new Int32Array(slots.length * 2)
    const mask = this.#slots.length - 1
    for (const [old, index] of slots.entries()) {
      if (index === 0) continue
      let slot = hashes[old]! & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = index
      this.#hashes[slot] = hashes[old]!
    }
  }
}

function isAt(value: string, text: string, start: number, end: number): boolean {
  if (value.length !== end - start) return false
  for (let position = 0; position < value.length; position++) {
    if (value.charCodeAt(position) !== text.charCodeAt(start + position)) return false
  }
  return true
}

/** V8 makes slices that are shorter than this by copying. */
const copied = 13

/** A copy of a part of a text: longer slices keep all of the text they were cut from. */
export function detached(text: string, start: number, end: number): string {
  if (end - start < copied) return text.slice(start, end)
  const middle = start + copied - 1
  if (end - middle < copied) return text.slice(start, middle) + text.slice(middle, end)
  return Buffer.from(text.slice(start, end), 'utf16le').toString('utf16le')
}
