import * as character from './character.ts'

/** How the lines of a text end. */
export type LineEndings = 'lf' | 'crlf' | 'cr' | 'mixed'

/**
 * Counts lines, words and characters of a text that comes in pieces.
 *
 * A word is a run without white space that has a letter or digit; each Han or kana character is one by itself. Thai, Lao and
 * Khmer, which have no spaces either, count as few long words.
 */
export class TextCount {
  words = 0
  /** Code points. */
  characters = 0

  #longest = 0
  #lineFeeds = 0
  #carriageReturns = 0
  #pairs = 0
  #column = 0
  #inWord = false
  #afterCarriageReturn = false

  add(text: string): void {
    const kinds = character.unitKinds
    let inWord = this.#inWord
    let column = this.#column
    let words = 0
    let halves = 0
    let carriageReturn = this.#afterCarriageReturn ? -1 : -2
    for (let at = 0; at < text.length; at++) {
      let kind = kinds[text.charCodeAt(at)]!
      if (kind === character.highSurrogate) kind = character.codePointKind(text.codePointAt(at)!)
      switch (kind) {
        case character.letter:
          if (!inWord) words++
          inWord = true
          break
        case character.space:
          inWord = false
          break
        case character.ideograph:
          words++
          inWord = false
          break
        case character.lowSurrogate:
          halves++
          continue
        case character.lineFeed:
        case character.carriageReturn:
          if (column > this.#longest) this.#longest = column
          column = 0
          inWord = false
          if (kind === character.carriageReturn) {
            this.#carriageReturns++
            carriageReturn = at
          } else if (carriageReturn === at - 1) {
            this.#carriageReturns--
            this.#pairs++
          } else this.#lineFeeds++
          continue
      }
      column++
    }
    if (text.length > 0) this.#afterCarriageReturn = carriageReturn === text.length - 1
    this.#inWord = inWord
    this.#column = column
    this.words += words
    this.characters += text.length - halves
  }

  /** The last of them need not end with a line break. */
  get lines(): number {
    const ended = this.#lineFeeds + this.#carriageReturns + this.#pairs
    return this.#column > 0 ? ended + 1 : ended
  }

  /** Of the longest line, without its end: code points. */
  get longestLine(): number {
    return Math.max(this.#longest, this.#column)
  }

  /** undefined where there is but one line. */
  get lineEndings(): LineEndings | undefined {
    const [lf, cr, crlf] = [this.#lineFeeds > 0, this.#carriageReturns > 0, this.#pairs > 0]
    if (Number(lf) + Number(cr) + Number(crlf) > 1) return 'mixed'
    return lf ? 'lf' : crlf ? 'crlf' : cr ? 'cr' : undefined
  }
}
