import { faultMessage, maxDepth, type JsonFault } from './fault.ts'
import * as states from './state.ts'

/** Who wants to know of objects and their keys. */
export interface JsonObserver {
  /** An object or array begins; `depth` is 1 for the root. */
  open(depth: number, isObject: boolean): void
  /** A key of the object at that depth, and its line. Of very long ones the first 1024 characters. */
  key(name: string, depth: number, line: number): void
  /** The object or array at that depth ends. */
  close(depth: number): void
}

/** The types of JSON's values. */
export type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

const maxKey = 1024
const simpleEscapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * Checks a JSON text piece by piece, in memory that does not grow with it, and says exactly where it breaks.
 *
 * A state machine over UTF-16 code units by the grammar of RFC 8259, without recursion. It accepts what JSON.parse() accepts,
 * but for more than ten million levels.
 */
export class JsonScanner {
  /** Where the text breaks; what comes after it has not been looked at. */
  fault: JsonFault | undefined
  /** Values of every kind, objects and arrays among them. */
  values = 0
  objects = 0
  /** Elements of a root that is an array. */
  items = 0
  /** Objects and arrays around the deepest value; 0 when the root is neither. */
  deepest = 0
  root: JsonType | undefined

  readonly #observer: JsonObserver | undefined
  #state: number = states.value
  #depth = 0
  /** Sixteen levels a number, a bit each: set in an object. */
  readonly #levels: number[] = []
  #consumed = 0
  #line = 1
  #lineStart = 0
  #afterCarriageReturn = false
  #literal = ''
  #literalAt = 0
  #hexDigits = 0
  #code = 0
  #inKey = false
  #key = ''

  constructor(observer?: JsonObserver) {
    this.#observer = observer
  }

  /** Whether the root is complete: only white space may follow. */
  get ended(): boolean {
    return this.#state === states.end
  }

  /** Reads on, up to the first fault. */
  feed(text: string): void {
    if (this.fault === undefined) this.#scan(text)
    if (this.fault === undefined) this.#consumed += text.length
  }

  /** Tells that the text ends here. */
  end(): void {
    if (this.fault !== undefined) return
    if (this.#depth === 0 && states.isWholeNumber(this.#state)) this.#state = states.end
    if (this.#state !== states.end) this.#fail(0)
  }

  #scan(text: string): void {
    const { length } = text
    let at = 0
    while (at < length) {
      const unit = text.charCodeAt(at)
      switch (this.#state) {
        case states.inString: {
          const stop = stringEnd(text, at)
          if (this.#inKey) this.#addToKey(text.slice(at, Math.min(stop, at + maxKey)))
          at = stop
          if (at === length) return
          const stopper = text.charCodeAt(at)
          if (stopper === 0x5c) this.#state = states.escape
          else if (stopper === 0x22) this.#endString()
          else return this.#fail(at, text)
          break
        }
        case states.escape:
          if (!this.#escape(text[at]!)) return this.#fail(at, text)
          break
        case states.unicode:
          if (!this.#unicode(hexDigit(unit))) return this.#fail(at, text)
          break
        case states.literal:
          if (unit !== this.#literal.charCodeAt(this.#literalAt)) return this.#fail(at, text)
          if (++this.#literalAt === this.#literal.length) this.#endValue()
          break
        case states.minus:
        case states.zero:
        case states.integer:
        case states.point:
        case states.fraction:
        case states.exponent:
        case states.exponentSign:
        case states.exponentDigits: {
          const next = states.nextOfNumber(this.#state, unit)
          if (next === -1) {
            const isDigit = unit >= 0x30 && unit <= 0x39
            if (!states.isWholeNumber(this.#state) || isDigit) return this.#fail(at, text)
            this.#endValue()
            // The same code unit again, in the state after the number.
            continue
          }
          this.#state = next
          break
        }
        default:
          if (unit === 0x20 || unit === 0x09) break
          if (unit === 0x0a || unit === 0x0d) this.#lineBreak(unit, at)
          else if (!this.#structure(unit)) return this.#fail(at, text)
      }
      at++
    }
  }

  #structure(unit: number): boolean {
    switch (this.#state) {
      case states.firstKey:
        return unit === 0x7d ? this.#close() : this.#beginKey(unit)
      case states.nextKey:
        return this.#beginKey(unit)
      case states.colon:
        if (unit !== 0x3a) return false
        this.#state = states.value
        return true
      case states.afterValue: {
        const inObject = this.#inObject()
        if (unit === (inObject ? 0x7d : 0x5d)) return this.#close()
        if (unit !== 0x2c) return false
        this.#state = inObject ? states.nextKey : states.value
        return true
      }
      case states.firstItem:
        return unit === 0x5d ? this.#close() : this.#beginValue(unit)
      case states.value:
        return this.#beginValue(unit)
      default:
        return false
    }
  }

  #beginKey(unit: number): boolean {
    if (unit !== 0x22) return false
    this.#inKey = true
    this.#key = ''
    this.#state = states.inString
    return true
  }

  #beginValue(unit: number): boolean {
    switch (unit) {
      case 0x7b:
        return this.#open('object')
      case 0x5b:
        return this.#open('array')
      case 0x22:
        return this.#begin('string', states.inString)
      case 0x74:
        return this.#beginLiteral('true', 'boolean')
      case 0x66:
        return this.#beginLiteral('false', 'boolean')
      case 0x6e:
        return this.#beginLiteral('null', 'null')
      case 0x2d:
        return this.#begin('number', states.minus)
      case 0x30:
        return this.#begin('number', states.zero)
      default:
        return unit > 0x30 && unit <= 0x39 && this.#begin('number', states.integer)
    }
  }

  #begin(type: JsonType, state: number): true {
    this.values++
    if (this.#depth === 0) this.root = type
    else if (this.#depth === 1 && this.root === 'array') this.items++
    this.#state = state
    return true
  }

  #beginLiteral(text: string, type: 'boolean' | 'null'): true {
    this.#literal = text
    this.#literalAt = 1
    return this.#begin(type, states.literal)
  }

  #open(type: 'object' | 'array'): boolean {
    if (this.#depth === maxDepth) return false
    const isObject = type === 'object'
    this.#begin(type, isObject ? states.firstKey : states.firstItem)
    if (isObject) this.objects++
    const index = this.#depth >> 4
    if (index === this.#levels.length) this.#levels.push(0)
    const bit = 1 << (this.#depth & 15)
    if (isObject) this.#levels[index]! |= bit
    else this.#levels[index]! &= ~bit
    this.#depth++
    if (this.#depth > this.deepest) this.deepest = this.#depth
    this.#observer?.open(this.#depth, isObject)
    return true
  }

  #close(): true {
    this.#observer?.close(this.#depth)
    this.#depth--
    this.#endValue()
    return true
  }

  #endValue(): void {
    this.#state = this.#depth === 0 ? states.end : states.afterValue
  }

  #endString(): void {
    if (!this.#inKey) return this.#endValue()
    this.#inKey = false
    this.#observer?.key(this.#key, this.#depth, this.#line)
    this.#state = states.colon
  }

  #escape(character: string): boolean {
    if (character === 'u') {
      this.#state = states.unicode
      this.#hexDigits = 0
      this.#code = 0
      return true
    }
    if (!'"\\/bfnrt'.includes(character)) return false
    if (this.#inKey) this.#addToKey(simpleEscapes[character] ?? character)
    this.#state = states.inString
    return true
  }

  #unicode(digit: number): boolean {
    if (digit < 0) return false
    this.#code = this.#code * 16 + digit
    if (++this.#hexDigits === 4) {
      if (this.#inKey) this.#addToKey(String.fromCharCode(this.#code))
      this.#state = states.inString
    }
    return true
  }

  #addToKey(text: string): void {
    if (this.#key.length < maxKey) this.#key += text.slice(0, maxKey - this.#key.length)
  }

  #inObject(): boolean {
    const level = this.#depth - 1
    return (this.#levels[level >> 4]! & (1 << (level & 15))) !== 0
  }

  #lineBreak(unit: number, at: number): void {
    const offset = this.#consumed + at
    const isPair = unit === 0x0a && this.#afterCarriageReturn && this.#lineStart === offset
    if (!isPair) this.#line++
    this.#lineStart = offset + 1
    this.#afterCarriageReturn = unit === 0x0d
  }

  #fail(at: number, text?: string): void {
    const offset = this.#consumed + at
    const context = { inObject: this.#depth > 0 && this.#inObject(), literal: this.#literal }
    this.fault = {
      offset,
      line: this.#line,
      column: offset - this.#lineStart + 1,
      message: faultMessage(this.#state, text?.codePointAt(at), context),
    }
  }
}

/** Where the quote, backslash or control character is, or the end of this piece. */
function stringEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x22 || unit === 0x5c || unit < 0x20) return at
  }
  return text.length
}

function hexDigit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
  const letter = unit | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
