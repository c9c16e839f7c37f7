import test from 'ava'
import fc from 'fast-check'
import { JsonReader } from '../../../workers/files/text/json.ts'
import { JsonScanner } from '../../../workers/files/text/json/scanner.ts'
import { NdjsonReader } from '../../../workers/files/text/ndjson.ts'

function scan(text: string, cuts: readonly number[] = []) {
  const scanner = new JsonScanner()
  let from = 0
  for (const cut of [...cuts, text.length]) {
    scanner.feed(text.slice(from, cut))
    from = cut
  }
  scanner.end()
  return scanner
}

function describe(...pieces: string[]) {
  const reader = new JsonReader()
  for (const piece of pieces) reader.add(piece)
  return reader.describe()
}

/** What JSON.parse() says of a text: nothing, or where it breaks, as far as its message has it. */
function parse(
  text: string,
): { offset?: number; line?: number; column?: number; token?: string } | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const { message } = error as Error
    if (message === 'Unexpected end of JSON input') return { offset: text.length }
    const place = /at position (\d+) \(line (\d+) column (\d+)\)$/.exec(message)
    if (place !== null) return { offset: Number(place[1]), line: Number(place[2]), column: Number(place[3]) }
    const token = /^Unexpected token '([^]+?)', /u.exec(message)?.[1]
    return { ...(token !== undefined && { token }) }
  }
}

const parts = [
  '{ } [ ] : , " \\ \\u00e9 \\u12 "a" "a": 1 0 - . 5e E+ 1.5 true fals e null x 😀 / 01 "\\n"'.split(' '),
  [' ', '\n', '\r\n', '\r', '\t', '\ufeff', '\u2028', '\0', '\x1f'],
].flat()
const fragments = fc.array(fc.constantFrom(...parts), { maxLength: 25 })

/** Valid texts, most with something cut out or put in. */
const damaged = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom('', '', ',', '"', '}', '\n', ' ', 'x', '1', '\\'),
  )
  .map(([json, seed, length, inserted]) => {
    const at = seed % (json.length + 1)
    return json.slice(0, at) + inserted + json.slice(at + length)
  })

test('it accepts what JSON.parse accepts, and finds the fault where that does', (t) => {
  let invalid = 0
  const check = (text: string, cut: number) => {
    const expected = parse(text)
    const { fault } = scan(text, [cut % (text.length + 1)])
    t.is(fault === undefined, expected === undefined, text)
    if (fault === undefined || expected === undefined) return
    invalid++
    if (expected.offset !== undefined) t.is(fault.offset, expected.offset, JSON.stringify(text))
    if (expected.line !== undefined)
      t.deepEqual([fault.line, fault.column], [expected.line, expected.column!])
    // V8 tells the token of some faults without the place; of a pair it tells only the first half.
    if (expected.token !== undefined) t.is(text[fault.offset], expected.token[0], JSON.stringify(text))
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fragments.map((pieces) => pieces.join('')),
        damaged,
        fc.json(),
      ),
      fc.nat(),
      check,
    ),
    { numRuns: 4000, seed: 7 },
  )
  t.true(invalid > 1000)
})

test('it counts what the text holds, however it comes in pieces', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.array(fc.nat(), { maxLength: 5 }), (value, seeds) => {
      const text = JSON.stringify(value, null, 1)
      const scanner = scan(
        text,
        seeds.map((seed) => seed % (text.length + 1)).toSorted((a, b) => a - b),
      )
      t.is(scanner.fault, undefined)
      t.is(scanner.values, countValues(value))
      t.is(scanner.deepest, depthOf(value))
      t.is(scanner.items, Array.isArray(value) ? value.length : 0)
    }),
    { numRuns: 500, seed: 7 },
  )
})

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, inner) => sum + countValues(inner), 1)
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

test('the fault says what was wanted and what there is', (t) => {
  const cases: [string, string][] = [
    ['', 'Expected a value, got the end'],
    ['{"a" 1}', "Expected ':' after a key, got '1'"],
    ['{"a":1 "b":2}', "Expected ',' or '}', got '\"'"],
    ['[1 2]', "Expected ',' or ']', got '2'"],
    ['[1,]', "Expected a value, got ']'"],
    ['{"a":1,}', "Expected a key in double quotes, got '}'"],
    ["{'a':1}", "Expected a key in double quotes or '}', got '''"],
    ['["a\nb"]', 'Expected an escape for a control character, got a line break'],
    ['["a\0"]', 'Expected an escape for a control character, got U+0000'],
    ['"a', 'Expected a double quote after a string, got the end'],
    ['"\\x"', "Expected one of \"\\/bfnrtu after a backslash, got 'x'"],
    ['[nulL]', "Expected null, got 'L'"],
    ['[01]', "Expected no digit after a leading zero, got '1'"],
    ['[1.]', "Expected a digit after a decimal point, got ']'"],
    ['{}\u00a0', 'Expected the end, got U+00A0'],
    ['[😀]', "Expected a value or ']', got '😀'"],
  ]
  for (const [text, message] of cases) t.is(scan(text).fault?.message, message, text)
})

test('a fault has its place and the text around it', (t) => {
  const text = '{\r\n  "name": "Anna",\r\n  "age": 31\r\n  "city": "Köln"\r\n}\r\n'
  const error = {
    offset: text.indexOf('"city"'),
    line: 4,
    column: 3,
    message: "Expected ',' or '}', got '\"'",
    excerpt: '{ "name": "Anna", "age": 31 "city": "Köln" }',
  }
  const whole = describe(text)
  t.deepEqual(whole.error, error)
  t.deepEqual(describe(...text.split('')), whole)
})

test('an excerpt of a long text is short, with no half of a character', (t) => {
  const { error } = describe(`["${'😀'.repeat(100)}" ${'😀'.repeat(100)}]`)
  t.is(error?.excerpt, `…${'😀'.repeat(19)}" ${'😀'.repeat(20)}…`)
})

test('an object is described by its keys, an array by its elements', (t) => {
  t.deepEqual(describe('{"id":1,"tags":["a",{"b":null}],"\\u0061":true}'), {
    valid: true,
    root: 'object',
    keys: ['id', 'tags', 'a'],
    depth: 3,
    values: 7,
  })
  t.deepEqual(describe('[{"a":1,"b":2},{"c":3},4]'), {
    valid: true,
    root: 'array',
    keys: ['a', 'b'],
    items: 3,
    depth: 2,
    values: 7,
  })
  t.like(describe('null'), { valid: true, root: 'null', depth: 0, values: 1 })
})

test('of many keys, and of long ones, the beginning is told', (t) => {
  const keys = Array.from({ length: 300 }, (_, index) => `${index}${'x'.repeat(200)}`)
  const { keys: told, keyCount } = describe(JSON.stringify(Object.fromEntries(keys.map((key) => [key, 1]))))
  t.is(told?.length, 100)
  t.is(keyCount, 300)
  t.true(told?.every((key) => key.length === 100))
})

test('keys that an object has twice are counted, and the first of them told', (t) => {
  t.deepEqual(describe('{"a":1,\n"b":{"a":1},\n"\\u0061":2, "a":3}').duplicateKeys, {
    count: 2,
    key: 'a',
    line: 3,
  })
  t.is(describe('[{"a":1},{"a":1},{"b":{"a":1}}]').duplicateKeys, undefined)
})

test('millions of levels neither kill nor take much memory', (t) => {
  const depth = 1_000_000
  const scanner = scan('['.repeat(depth) + ']'.repeat(depth))
  t.is(scanner.fault, undefined)
  t.is(scanner.deepest, depth)
  const objects = new JsonReader()
  for (let level = 0; level < depth; level += 1000) objects.add('{"a":'.repeat(1000))
  t.like(objects.describe(), { valid: false, depth, error: { offset: 5 * depth } })
  const tooDeep = new JsonScanner()
  for (let level = 0; level < 11; level++) tooDeep.feed('['.repeat(1_000_000))
  t.like(tooDeep.fault, { offset: 10_000_000, message: "Expected at most 10000000 levels, got '['" })
})

test('lines of json are judged one by one', (t) => {
  const reader = new NdjsonReader()
  for (const piece of '{"id":1,"name":"a"}\r\n\n{"id":2,}\n[1,[2]]\nnot json\n{"id":3'.match(/[^]{1,7}/g)!)
    reader.add(piece)
  const { errors, ...rest } = reader.describe()
  t.deepEqual(rest, { records: 5, valid: 2, keys: ['id', 'name'], depth: 2, values: 12 })
  t.deepEqual(
    errors?.map(({ line, column, excerpt }) => [line, column, excerpt]),
    [
      [3, 9, '{"id":2,}'],
      [5, 2, 'not json'],
      [6, 8, '{"id":3'],
    ],
  )
})

test('of many bad lines the first ten are told', (t) => {
  const reader = new NdjsonReader()
  reader.add('{\n'.repeat(1000))
  const { records, valid, errors } = reader.describe()
  t.deepEqual([records, valid, errors?.length], [1000, 0, 10])
})
