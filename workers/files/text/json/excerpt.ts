import { cleanText } from '../clean.ts'

/** UTF-16 code units on either side. */
const reach = 40

/** The text around one place of a text that comes in pieces, on one line. */
export class Excerpt {
  #before = ''
  #after: string | undefined
  #isCutBefore = false
  #isCutAfter = false

  /**
   * @param text the next piece
   * @param at where in it the place is, if it is there; its end counts, too
   */
  feed(text: string, at?: number): void {
    if (at !== undefined) {
      this.#remember(text.slice(0, at))
      this.#after = ''
      text = text.slice(at)
    }
    if (this.#after === undefined) return this.#remember(text)
    const room = reach - this.#after.length
    if (text.length > room) this.#isCutAfter = true
    this.#after += text.slice(0, room)
  }

  /** With an ellipsis where the text goes on. */
  toString(): string {
    const line = cleanText(this.#before + (this.#after ?? ''))
      .replace(/\s+/g, ' ')
      .trim()
    return `${this.#isCutBefore ? '…' : ''}${line}${this.#isCutAfter ? '…' : ''}`
  }

  #remember(text: string): void {
    const before = this.#before + text.slice(-2 * reach)
    if (before.length > reach) this.#isCutBefore = true
    this.#before = before.slice(-reach)
  }
}
