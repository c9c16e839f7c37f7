/** Splits a text that comes in pieces into lines; of a longer line only the first `maxLength` code units are kept. */
export class Lines {
  readonly #maxLength: number
  readonly #line: (line: string) => void
  #rest = ''
  #skipLineFeed = false

  constructor(maxLength: number, line: (line: string) => void) {
    this.#maxLength = maxLength
    this.#line = line
  }

  add(text: string): void {
    let from = 0
    if (this.#skipLineFeed && text.length > 0) {
      if (text.startsWith('\n')) from = 1
      this.#skipLineFeed = false
    }
    const ends = /\r\n|\n|\r/g
    ends.lastIndex = from
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#keep(text, from, end.index)
      this.#end()
      from = ends.lastIndex
      this.#skipLineFeed = from === text.length && end[0] === '\r'
    }
    this.#keep(text, from, text.length)
  }

  /** Gives the line that has not ended, where there is one. */
  finish(): void {
    if (this.#rest !== '') this.#end()
  }

  #end(): void {
    const line = this.#rest
    this.#rest = ''
    this.#line(line)
  }

  #keep(text: string, from: number, to: number): void {
    const room = this.#maxLength - this.#rest.length
    if (room > 0) this.#rest += text.slice(from, Math.min(to, from + room))
  }
}
