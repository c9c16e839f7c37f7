/** By this a reference is known: the URL of the file that called defineTasks(). Global, because the package may be loaded twice. */
export const definedBy: unique symbol = Symbol.for('afterwork.definedBy')

/** What every reference is, whatever its options. */
export interface Reference {
  /** Module and export, such as 'files.processFile'. */
  readonly name: string
  readonly [definedBy]: string
}

/** Where a reference was defined, or undefined for anything that is no reference. */
export function definedIn(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? (value as Partial<Reference>)[definedBy] : undefined
}
