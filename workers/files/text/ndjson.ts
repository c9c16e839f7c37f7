import { JsonReader, type JsonError } from './json.ts'

const maxErrors = 10

/** What lines of JSON hold. */
export interface NdjsonDescription {
  /** Lines that are not blank. */
  records: number
  /** Of the records. */
  valid: number
  /** The first ten records that are not valid, and where: the line is that of the file, the offset that within the line. */
  errors?: JsonError[]
  /** Of the first record, if it is an object: the first 100, each cut to 100 characters. */
  keys?: string[]
  /** Objects and arrays around the deepest value. */
  depth: number
  /** Values of every kind, objects and arrays among them. */
  values: number
}

/** Describes lines of JSON that come in pieces; a line ends with LF or CR LF and may be of any length. */
export class NdjsonReader {
  #records = 0
  #valid = 0
  readonly #errors: JsonError[] = []
  #keys: string[] | undefined
  #depth = 0
  #values = 0

  #line = 1
  #isBlank = true
  #record = new JsonReader()

  add(text: string): void {
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.#feed(text.slice(from, end))
      this.#endLine()
      from = end + 1
    }
    this.#feed(text.slice(from))
  }

  /** Ends the text and says what it was. */
  describe(): NdjsonDescription {
    this.#endLine()
    return {
      records: this.#records,
      valid: this.#valid,
      ...(this.#errors.length > 0 && { errors: this.#errors }),
      ...(this.#keys !== undefined && { keys: this.#keys }),
      depth: this.#depth,
      values: this.#values,
    }
  }

  #feed(text: string): void {
    if (text === '') return
    this.#isBlank &&= text.trim() === ''
    this.#record.add(text)
  }

  #endLine(): void {
    if (!this.#isBlank) {
      const { valid, error, keys, depth, values } = this.#record.describe()
      this.#records++
      if (valid) this.#valid++
      if (error !== undefined && this.#errors.length < maxErrors) {
        this.#errors.push({ ...error, line: this.#line })
      }
      if (this.#records === 1 && keys !== undefined) this.#keys = keys
      this.#depth = Math.max(this.#depth, depth)
      this.#values += values
    }
    this.#line++
    this.#isBlank = true
    this.#record = new JsonReader(this.#records === 0)
  }
}
