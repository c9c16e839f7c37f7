import { readFile } from 'node:fs/promises'
import test from 'ava'
import { AfterworkError, badOption, didYouMean, errorCodes, show } from '../../src/core/errors.ts'

/** Code, meaning and advice of each row of the table in docs/errors.md. */
async function documented(): Promise<string[][]> {
  const text = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const rows = text.split('\n').filter((line) => line.startsWith('| `AFTERWORK_'))
  return rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()))
}

test('docs/errors.md lists every code once, in the order and with the sentence of the code', async (t) => {
  const rows = await documented()
  t.deepEqual(
    rows.map(([, code, meaning]) => [code!.replaceAll('`', ''), meaning!]),
    Object.entries(errorCodes),
  )
})

test('docs/errors.md says of every code what to do', async (t) => {
  for (const [, code, , advice] of await documented()) t.regex(advice!, /^.{20,}\.$/, code!)
})

test('an error has its code, sentence and cause', (t) => {
  const cause = new Error('disk full')
  const error = new AfterworkError('AFTERWORK_QUEUE_FAILED', 'Try again later', { cause })
  t.true(error instanceof Error)
  t.is(error.name, 'AfterworkError')
  t.is(error.code, 'AFTERWORK_QUEUE_FAILED')
  t.is(error.message, 'Try again later')
  t.is(error.cause, cause)
  t.regex(error.stack!, /errors\.test\.ts/)
})

test('what a client can do something about has a status that Koa shows, the rest is a 500 without detail', (t) => {
  const full = new AfterworkError('AFTERWORK_QUEUE_FULL', 'full')
  t.like(full, { status: 503, expose: true, headers: { 'Retry-After': '1' } })
  const unknown = new AfterworkError('AFTERWORK_TASK_NOT_FOUND', 'none')
  t.like(unknown, { status: 404, expose: true, headers: {} })
  const bug = new AfterworkError('AFTERWORK_BAD_VALUE', 'a function')
  t.like(bug, { status: 500, expose: false, headers: {} })
})

test('a wrong option says what was expected and what came', (t) => {
  t.is(badOption('drain', 'a duration', 5, ', sorry').message, 'drain: Expected a duration, got 5, sorry')
  t.is(badOption('drain', 'a duration', 5).code, 'AFTERWORK_BAD_OPTION')
})

const shown: [value: unknown, text: string][] = [
  ['a "text"', '"a \\"text\\""'],
  ['two\nlines', '"two\\nlines"'],
  ['x'.repeat(81), `"${'x'.repeat(77)}..."`],
  [function named() {}, 'function named'],
  [(() => () => {})(), 'a function'],
  [5n, '5n'],
  [[1, 2], 'an array of 2'],
  [{ a: 1 }, 'an object'],
  [Object.create(null), 'an object without a prototype'],
  [new Date(), 'an instance of Date'],
  [null, 'null'],
  [undefined, 'undefined'],
  [NaN, 'NaN'],
  [Symbol('s'), 'Symbol(s)'],
]
for (const [value, text] of shown) {
  test(`a message shows ${text}`, (t) => {
    t.is(show(value), text.replace(' without a prototype', ''))
  })
}

test('the nearest of the known names is suggested, and nothing that is far', (t) => {
  const known = ['retries', 'timeout', 'priority']
  t.is(didYouMean('retires', known), ', did you mean "retries"?')
  t.is(didYouMean('TIMEOUT', known), ', did you mean "timeout"?')
  t.is(didYouMean('prio', known), '')
  t.is(didYouMean('memory', known), '')
  t.is(didYouMean('retries', []), '')
})
