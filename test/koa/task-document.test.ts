import test from 'ava'
import type { AttemptRecord } from '../../src/core/attempt.ts'
import { newId } from '../../src/core/id.ts'
import { encodeArguments, encodeResult } from '../../src/core/value.ts'
import { taskDocument, wholeTaskDocument } from '../../src/koa/task-document.ts'
import type { TaskRecord } from '../../src/core/task.ts'

function record(given: Partial<TaskRecord> = {}): TaskRecord {
  const id = newId()
  return {
    id,
    name: 'files.resize',
    group: id,
    pool: 'cpu',
    priority: 0,
    state: 'succeeded',
    attempt: 1,
    progress: null,
    result: null,
    error: null,
    args: '[]',
    redact: [],
    addedAt: 0,
    runAt: null,
    startedAt: 1,
    endedAt: 2,
    ...given,
  }
}

test('a long result is left out of lists, and shown where one task is asked for', (t) => {
  const long = record({ result: encodeResult('x'.repeat(20_000), 'files.resize')! })
  t.is(taskDocument(long, '').result, null)
  t.is((wholeTaskDocument(long, '').result as string).length, 20_000)
  const longer = record({ result: encodeResult('x'.repeat(2_000_000), 'files.resize')! })
  t.is(wholeTaskDocument(longer, '').result, null)
})

test('of many attempts that did not end well the last fifty are shown, the oldest of them first', (t) => {
  const attempts = Array.from({ length: 100 }, (_, index): AttemptRecord => ({
    attempt: index + 1,
    state: index === 99 ? 'lost' : 'retried',
    startedAt: index === 99 ? null : 1,
    endedAt: 2,
    process: index === 99 ? null : { host: 'here', pid: 5 },
    error: index === 99 ? null : { name: 'RangeError', message: 'too far' },
  }))
  const shown = wholeTaskDocument(record({ attempt: 101 }), '', attempts).attempts!
  t.deepEqual(
    shown.map(({ attempt }) => attempt),
    Array.from({ length: 50 }, (_, index) => index + 51),
  )
  const endedAt = '1970-01-01T00:00:00.002Z'
  t.like(shown[0], { state: 'retried', startedAt: '1970-01-01T00:00:00.001Z', endedAt })
  t.deepEqual(shown[49], {
    attempt: 100,
    state: 'lost',
    startedAt: null,
    endedAt,
    process: null,
    error: null,
  })
  t.false('attempts' in wholeTaskDocument(record(), '', []))
  t.false('attempts' in taskDocument(record(), ''))
})

test('what JSON lacks is shown as text', (t) => {
  const result = { at: new Date(0), big: 5n, bytes: new Uint8Array([1, 2]) }
  t.deepEqual(taskDocument(record({ result: encodeResult(result, 'x')! }), '').result, {
    at: '1970-01-01T00:00:00.000Z',
    big: '5',
    bytes: 'AQI=',
  })
})

test('where a stored file is on the disk is not shown, nor are secrets', (t) => {
  const id = newId()
  const file = { id, name: 'a.txt', type: 'text/plain', size: 3, path: `/srv/files/${id}` }
  const args = encodeArguments(
    [file, { password: 'p', nested: [{ Api_Key: 'k', mine: 'm', free: 'f' }] }],
    'x',
  )
  const shown = wholeTaskDocument(record({ args, redact: ['mine'] }), '').arguments
  t.deepEqual(shown, [
    { id, name: 'a.txt', type: 'text/plain', size: 3 },
    { password: '[redacted]', nested: [{ Api_Key: '[redacted]', mine: '[redacted]', free: 'f' }] },
  ])
})
