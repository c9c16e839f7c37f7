import test from 'ava'
import fc from 'fast-check'
import { decodeArguments, decodeValue, encodeArguments, encodeResult } from '../../src/core/value.ts'

function thereAndBack(value: unknown): unknown {
  return decodeArguments(encodeArguments([value], 'files.resize'))[0]
}

const storable: Record<string, unknown> = {
  null: null,
  true: true,
  'an empty text': '',
  'a text with quotes, a null byte and an emoji': `"$":["date",0] \u0000 'x' 👍`,
  'half a surrogate pair': '\ud800',
  'a float': 0.1,
  'the largest number': Number.MAX_VALUE,
  'a date': new Date('2026-11-21T10:00:00.123Z'),
  'a date before 1970': new Date(-1),
  'a big integer': -(2n ** 200n),
  'no bytes': new Uint8Array(),
  'all bytes': Uint8Array.from({ length: 256 }, (_, i) => i),
  'an empty array': [],
  'an empty object': {},
  'a nested value': { a: [{ b: new Date(5) }, [1n, [new Uint8Array([1, 2])]]], c: { d: { e: null } } },
  'an object that looks like a stored date': { $: ['date', 0] },
  'an object that has a key $ among others': { $: 1, at: new Date(7), $$: { $: { $: 'x' } } },
  'an array of objects with a key $': [{ $: [] }, { $: null }],
  'a key with a quote before a $': { 'a"$': new Date(9), '"$":': 2 },
  'keys that objects inherit': { constructor: 1, toString: 2, hasOwnProperty: 3 },
}
for (const [what, value] of Object.entries(storable)) {
  test(`${what} comes back as it was`, (t) => {
    t.deepEqual(thereAndBack(value), value)
    t.deepEqual(decodeValue(encodeResult(value, 'files.resize')!), value)
  })
}

test('arguments keep their number and order, also where one is undefined', (t) => {
  const args = ['a', undefined, 3, undefined]
  t.deepEqual(decodeArguments(encodeArguments(args, 'files.resize')), args)
  t.deepEqual(decodeArguments(encodeArguments([], 'files.resize')), [])
})

test('a property that is undefined is omitted', (t) => {
  const back = thereAndBack({ a: undefined, b: { c: undefined, d: 1 } })
  t.is(JSON.stringify(back), '{"b":{"d":1}}')
  t.deepEqual(Object.keys(back as object), ['b'])
})

test('an own key named __proto__ stays one, and pollutes nothing', (t) => {
  const hostile: unknown = JSON.parse('{"__proto__":{"polluted":true},"at":1}')
  for (const value of [hostile, { inner: hostile, $: new Date(1) }]) {
    const back = thereAndBack(value) as Record<string, unknown>
    const object = (back['inner'] ?? back) as object
    t.is(Object.getPrototypeOf(object), Object.prototype)
    t.deepEqual(Object.getOwnPropertyDescriptor(object, '__proto__')?.value, { polluted: true })
  }
  t.false('polluted' in {})
})

test('a part of a buffer comes back as those bytes alone, a Uint8Array', (t) => {
  const part = Buffer.from('hello world').subarray(6)
  const back = thereAndBack(part) as Uint8Array
  t.is(back.constructor, Uint8Array)
  t.deepEqual(back, new Uint8Array(Buffer.from('world')))
  t.is(back.buffer.byteLength, 5)
})

test('what a value gives is asked once, so that what was checked is what is stored', (t) => {
  let asked = 0
  const value = {
    get inner() {
      asked++
      return asked === 1 ? { fine: [1] } : () => {}
    },
  }
  t.is(encodeArguments([value], 'files.resize'), '[{"inner":{"fine":[1]}}]')
  t.is(asked, 1)
})

test('an object without a prototype is stored as a plain one', (t) => {
  const bare = Object.assign(Object.create(null) as object, { a: 1 })
  t.deepEqual(thereAndBack(bare), { a: 1 })
})

test('a value that is used twice without a cycle is stored twice', (t) => {
  const shared = { a: 1 }
  t.deepEqual(thereAndBack([shared, shared]), [{ a: 1 }, { a: 1 }])
})

test('no result is no text, and null is a result', (t) => {
  t.is(encodeResult(undefined, 'files.resize'), undefined)
  t.is(decodeValue(encodeResult(null, 'files.resize')!), null)
})

test('JSON alone is stored as plain JSON', (t) => {
  t.is(encodeArguments([{ to: 'a@b.c', n: [1, null] }], 'mail.send'), '[{"to":"a@b.c","n":[1,null]}]')
})

class Account {
  owner = 'somebody'
}
const cycle: Record<string, unknown> = { name: 'loop' }
cycle['self'] = cycle
const ring: unknown[] = []
ring.push(ring)
const deep = (levels: number): unknown => (levels === 0 ? 'bottom' : { in: deep(levels - 1) })

const expected = 'Expected JSON, Date, bigint or Uint8Array, got'
const closure = 'a task runs on another thread: pass data, or use addLocal(fn, ...args) for a closure'
const refused: Record<string, [value: unknown, sentence: string]> = {
  'a function': [function onDone() {}, `: ${expected} function onDone; ${closure}`],
  'a function without a name': [(() => () => {})(), `: ${expected} a function; ${closure}`],
  'a method': [{ on: { end() {} } }, `.on.end: ${expected} function end; ${closure}`],
  'a symbol': [Symbol('s'), `: ${expected} Symbol(s); pass its data instead`],
  'a symbol as key': [{ [Symbol('s')]: 1 }, `: ${expected} an object; it has a symbol as key`],
  'a Map': [{ m: new Map() }, `.m: ${expected} an instance of Map; pass its data as a plain object`],
  'a Set': [new Set(), `: ${expected} an instance of Set; pass its data as a plain object`],
  'an Error': [new TypeError('x'), `: ${expected} an instance of TypeError; pass its data as a plain object`],
  'a promise': [Promise.resolve(1), `: ${expected} an instance of Promise; pass its data as a plain object`],
  'an instance of a class': [
    [new Account()],
    `[0]: ${expected} an instance of Account; pass its data as a plain object`,
  ],
  'another typed array': [
    new Float64Array(1),
    `: ${expected} an instance of Float64Array; pass its data as a plain object`,
  ],
  NaN: [{ width: NaN }, `.width: ${expected} NaN; JSON has no such number`],
  Infinity: [[1, -Infinity], `[1]: ${expected} -Infinity; JSON has no such number`],
  'an invalid date': [new Date('x'), `: ${expected} an instance of Date; the date is invalid`],
  'undefined in an array': [[1, undefined], `[1]: ${expected} undefined; omit it, or use null`],
  'a hole in an array': [Array(2), `[0]: ${expected} undefined; omit it, or use null`],
}
for (const [what, [value, sentence]] of Object.entries(refused)) {
  test(`${what} is refused with a sentence that says where it is and what to do`, (t) => {
    t.throws(() => encodeArguments(['fine', value], 'files.resize'), {
      code: 'AFTERWORK_BAD_VALUE',
      message: `argument 2 of files.resize${sentence}`,
    })
    t.throws(() => encodeResult(value, 'files.resize'), {
      code: 'AFTERWORK_BAD_VALUE',
      message: `the result of files.resize${sentence}`,
    })
  })
}

for (const [what, value] of Object.entries({ object: cycle, array: ring })) {
  test(`an ${what} that contains itself is refused`, (t) => {
    t.throws(() => encodeArguments([value], 'files.resize'), {
      code: 'AFTERWORK_BAD_VALUE',
      message: /; it is nested more than 64 levels deep, or contains itself$/,
    })
  })
}

test('64 levels are stored and one more is refused', (t) => {
  t.deepEqual(thereAndBack(deep(64)), deep(64))
  t.throws(() => thereAndBack(deep(65)), { code: 'AFTERWORK_BAD_VALUE' })
})

// Whatever there may be

const keys = fc.oneof(fc.string(), fc.constantFrom('$', '__proto__', 'toJSON', 'constructor', '0', '1'))
// JSON has no negative zero, which the arbitrary has.
const json = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    json,
    fc.date({ noInvalidDate: true }),
    fc.bigInt(),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

test('whatever can be stored comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 3 }), (args) => {
      t.deepEqual(decodeArguments(encodeArguments(args, 'files.resize')), args)
      t.deepEqual(decodeValue(encodeResult(args, 'files.resize')!), args)
    }),
    { numRuns: 300 },
  )
  t.pass()
})

test('whatever is plain JSON is stored as JSON.stringify() has it', (t) => {
  const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"$":'))
  fc.assert(
    fc.property(plain, (value) => {
      t.is(encodeResult(value, 'files.resize'), JSON.stringify(value))
      t.is(encodeArguments([value, 1], 'files.resize'), JSON.stringify([value, 1]))
    }),
    { numRuns: 500 },
  )
  t.pass()
})

test('wherever something cannot be stored, the refusal says where', (t) => {
  const step = fc.oneof(fc.nat({ max: 3 }), fc.constantFrom('a', 'b c', '$', '__proto__', 'toJSON'))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), anything, (path, beside) => {
      const value = path.reduceRight<unknown>((inner, key) => {
        if (typeof key === 'number') return [...Array.from({ length: key }, () => beside), inner]
        const object = { before: beside }
        return Object.defineProperty(object, key, { value: inner, enumerable: true })
      }, Symbol('bad'))
      const where = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
      t.throws(() => encodeArguments(['fine', value], 'files.resize'), {
        message: `argument 2 of files.resize${where}: ${expected} Symbol(bad); pass its data instead`,
      })
    }),
    { numRuns: 300 },
  )
})
