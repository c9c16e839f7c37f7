/** Stands for an object that a template would print: no text of anybody's has it. */
export const printedObject = '\u{F0000}object\u{F0000}'

/** Nothing of Object.prototype: to a template `constructor` is a value like any other, there or not. */
const bare: object = Object.freeze({ __proto__: null, [Symbol.toPrimitive]: () => printedObject })

/** A copy of a request's data, of which a template sees what was sent and nothing that JavaScript adds. */
export function templateData(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return copy(data) as Record<string, unknown>
}

/** The same values with some added, or in place of those of the same names. */
export function withValues(
  data: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.assign(Object.create(bare) as Record<string, unknown>, data, more)
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (typeof value !== 'object' || value === null) return value
  const object = Object.create(bare) as Record<string, unknown>
  for (const [key, item] of Object.entries(value)) object[key] = copy(item)
  return object
}
