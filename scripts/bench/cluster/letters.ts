import type { Letter } from '../trivial/letter.ts'
import { sharedNow } from './clock.ts'

/** Next to nothing, so that all that is measured is the way to it. */
export function drop(_letter: Letter): void {}

/** When it began, by the clock that all processes share. */
export function note(_letter: Letter): number {
  return sharedNow()
}
