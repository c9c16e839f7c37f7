import { CellTypes } from '../files/table/cell.ts'
import type { ColumnProfile } from '../files/table/profile.ts'

/** Reads the numbers of a column as its profile does: with the point or the comma before the decimals. */
export class NumberCells {
  readonly #isComma: boolean
  readonly #types = new CellTypes()

  constructor({ decimal }: ColumnProfile) {
    this.#isComma = decimal === ','
  }

  /** NaN for a cell that is no number. */
  read(cell: string): number {
    const text = cell.trim()
    if (this.#types.read(text, 0, text.length) !== 'number') return NaN
    return this.#isComma ? this.#types.number.comma : this.#types.number.point
  }
}

/** The least and the greatest number of a column; undefined where they are too close or too far apart to be drawn. */
export function rangeOf({ min, max, type, mostly }: ColumnProfile): { min: number; max: number } | undefined {
  const subject = mostly ?? type
  if (subject !== 'integer' && subject !== 'number') return undefined
  if (typeof min !== 'number' || typeof max !== 'number') return undefined
  const range = max - min
  // Doubles have some 16 digits: edges need a few of them.
  const isDrawable = Number.isFinite(range) && range > 1e-300 && range > 1e-12 * Math.max(-min, max)
  return isDrawable ? { min, max } : undefined
}
