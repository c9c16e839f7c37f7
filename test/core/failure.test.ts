import { runInNewContext } from 'node:vm'
import test from 'ava'
import { AfterworkError } from '../../src/core/errors.ts'
import { toError, toFailure } from '../../src/core/failure.ts'

class PaymentError extends Error {
  readonly code = 'CARD_DECLINED'
  readonly responseCode = 402
  readonly final = true
  readonly bank = null
  readonly details = { more: 'than can be stored' }
  readonly retry = (): void => {}
  readonly ratio = NaN
}

test('an error keeps its class name, message, code, stack and own fields', (t) => {
  const error = new PaymentError('no money')
  const failure = toFailure(error)
  t.deepEqual(failure, {
    name: 'PaymentError',
    message: 'no money',
    code: 'CARD_DECLINED',
    stack: error.stack!,
    fields: { responseCode: 402, final: true, bank: null },
  })
  t.deepEqual(structuredClone(failure), JSON.parse(JSON.stringify(failure)))
})

test('an error comes back with all that was kept', (t) => {
  const cause = Object.assign(new RangeError('too far'), { syscall: 'read' })
  const error = new PaymentError('no money', { cause })
  const back = toError(toFailure(error))
  t.true(back instanceof Error)
  t.is(back.name, 'PaymentError')
  t.is(back.message, 'no money')
  t.is(back.stack, error.stack)
  t.like(back, { code: 'CARD_DECLINED', responseCode: 402, final: true, bank: null })
  t.like(back.cause, { name: 'RangeError', message: 'too far', syscall: 'read', stack: cause.stack })
})

test('what came back fails the same way again', (t) => {
  const failure = toFailure(new PaymentError('no money', { cause: new TypeError('x') }))
  const again = toFailure(toError(failure))
  t.deepEqual(again, failure)
})

test('a name that was only assigned is kept', (t) => {
  t.is(toFailure(Object.assign(new Error('x'), { name: 'AbortError' })).name, 'AbortError')
})

test('a code that is a number becomes text', (t) => {
  t.is(toFailure(Object.assign(new Error('x'), { code: 23505 })).code, '23505')
})

test('a system error keeps its code, syscall and path', (t) => {
  const error = Object.assign(new Error('ENOENT: no such file'), {
    code: 'ENOENT',
    errno: -2,
    syscall: 'open',
    path: '/nowhere',
  })
  const { code, fields } = toFailure(error)
  t.is(code, 'ENOENT')
  t.deepEqual(fields, { errno: -2, syscall: 'open', path: '/nowhere' })
})

test('causes are kept one in another, and a long or endless chain is cut', (t) => {
  const failure = toFailure(new Error('a', { cause: new TypeError('b', { cause: new RangeError('c') }) }))
  t.is(failure.cause?.name, 'TypeError')
  t.is(failure.cause?.cause?.message, 'c')
  t.is(failure.cause?.cause?.cause, undefined)

  const endless = new Error('it is its own cause')
  endless.cause = endless
  let depth = 0
  for (let at = toFailure(endless).cause; at !== undefined; at = at.cause) depth++
  t.is(depth, 5)
})

test('a cause that is no error is told of', (t) => {
  t.like(toFailure(new Error('a', { cause: 'the disk' })).cause, {
    code: 'AFTERWORK_NOT_AN_ERROR',
    message: 'Expected an Error to be thrown, got "the disk"',
  })
})

const nonErrors: [thrown: unknown, shown: string][] = [
  [null, 'null'],
  [undefined, 'undefined'],
  ['a text', '"a text"'],
  [42, '42'],
  [7n, '7n'],
  [Symbol('s'), 'Symbol(s)'],
  [{ message: 'not one' }, 'an object'],
  [new Map(), 'an instance of Map'],
  [['a'], 'an array of 1'],
  ['x'.repeat(1_000_000), `"${'x'.repeat(77)}..."`],
]
for (const [thrown, shown] of nonErrors) {
  test(`to throw ${shown} fails with AFTERWORK_NOT_AN_ERROR`, (t) => {
    t.like(toFailure(thrown), {
      name: 'AfterworkError',
      code: 'AFTERWORK_NOT_AN_ERROR',
      message: `Expected an Error to be thrown, got ${shown}`,
    })
  })
}

test('a huge message, stack or field is cut and says how long it was', (t) => {
  const failure = toFailure(Object.assign(new Error('m'.repeat(1_000_000)), { sql: 's'.repeat(50_000) }))
  t.is(failure.message, `${'m'.repeat(16_384)}... (1000000 characters)`)
  t.is(failure.fields?.['sql'], `${'s'.repeat(16_384)}... (50000 characters)`)
  t.true(JSON.stringify(failure).length < 60_000)
})

test('an error from another realm is an error', (t) => {
  const foreign: unknown = runInNewContext(`Object.assign(new RangeError('far'), { code: 'FAR', size: 3 })`)
  t.false(foreign instanceof Error)
  t.like(toFailure(foreign), { name: 'RangeError', message: 'far', code: 'FAR', fields: { size: 3 } })
})

test('an error of ours keeps its code', (t) => {
  t.like(toFailure(new AfterworkError('AFTERWORK_TIMED_OUT', 'slow')), {
    name: 'AfterworkError',
    code: 'AFTERWORK_TIMED_OUT',
  })
})

const hostile: Record<string, () => unknown> = {
  'a message that throws when it is read': () =>
    Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('again')
      },
    }),
  'a field that throws when it is read': () =>
    Object.defineProperty(new Error('x'), 'field', {
      enumerable: true,
      get() {
        throw new Error('again')
      },
    }),
  'a proxy that refuses everything': () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error('again')
        },
        getPrototypeOf() {
          throw new Error('again')
        },
      },
    ),
}
for (const [what, make] of Object.entries(hostile)) {
  test(`${what} does not make the reading of a failure fail`, (t) => {
    t.like(toFailure(make()), {
      code: 'AFTERWORK_NOT_AN_ERROR',
      message: 'The task threw something that cannot be read',
    })
  })
}

test('a name, message or stack that is no text does no harm', (t) => {
  const odd = Object.assign(new Error('x'), { name: 7, message: {}, stack: [] })
  const failure = toFailure(odd)
  t.is(failure.name, 'Error')
  t.is(failure.message, '')
  t.is(failure.stack, undefined)
})
