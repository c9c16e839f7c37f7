/** Where a value is not as expected. */
export interface Difference {
  /** Keys and indexes from the root on. */
  path: (string | number)[]
  expected: unknown
  got: unknown
}

/**
 * Where a value differs from what is expected of it. Objects may have more than is expected of them, arrays may not;
 * undefined expects that nothing is there.
 */
export function differences(
  got: unknown,
  expected: unknown,
  path: readonly (string | number)[] = [],
): Difference[] {
  if (Array.isArray(expected) && Array.isArray(got)) {
    const items = expected.flatMap((item, index) => differences(got[index], item, [...path, index]))
    if (got.length === expected.length) return items
    return [...items, { path: [...path, 'length'], expected: expected.length, got: got.length }]
  }
  if (isPlain(expected) && isPlain(got)) {
    return Object.keys(expected).flatMap((key) =>
      differences(Object.hasOwn(got, key) ? got[key] : undefined, expected[key], [...path, key]),
    )
  }
  return same(got, expected) ? [] : [{ path: [...path], expected, got }]
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof Date || value instanceof Uint8Array)
}

function same(got: unknown, expected: unknown): boolean {
  if (got instanceof Date && expected instanceof Date) return got.getTime() === expected.getTime()
  if (got instanceof Uint8Array && expected instanceof Uint8Array) return Buffer.compare(got, expected) === 0
  // What was stored as -0 comes back as 0.
  return got === expected
}
