import test from 'ava'
import type { EndedTask } from 'afterwork/worker'
import { payloadOf } from '../../../workers/webhooks/payload.ts'

const ended: EndedTask = {
  id: 'an-id',
  name: 'files.processFile',
  state: 'succeeded',
  attempt: 2,
  args: [{ password: 'hunter2' }],
  result: { when: new Date(0), size: 7n, bytes: new Uint8Array([1, 2]) },
  error: null,
  addedAt: new Date(1_000),
  startedAt: new Date(2_000),
  endedAt: new Date(3_000),
}

function read(given: Partial<EndedTask>, prefix = '') {
  return JSON.parse(payloadOf({ ...ended, ...given }, prefix)) as { type: string; data: any }
}

test('a webhook says how the task has ended, and never its arguments', (t) => {
  t.deepEqual(read({}, '/background'), {
    type: 'task.succeeded',
    timestamp: '1970-01-01T00:00:03.000Z',
    data: {
      id: 'an-id',
      name: 'files.processFile',
      state: 'succeeded',
      attempt: 2,
      result: { when: '1970-01-01T00:00:00.000Z', size: '7', bytes: 'AQI=' },
      error: null,
      addedAt: '1970-01-01T00:00:01.000Z',
      startedAt: '1970-01-01T00:00:02.000Z',
      endedAt: '1970-01-01T00:00:03.000Z',
      links: { self: '/background/tasks/an-id' },
    },
  })
})

test('an error comes with its causes and without the stacks, which hold paths of the server', (t) => {
  const cause = { name: 'Error', message: 'inner', stack: 'at /srv/inner.ts' }
  const error = { name: 'TaskError', message: 'outer', code: 'X', stack: 'at /srv/outer.ts', cause }
  const { type, data } = read({ state: 'failed', result: null, error })
  t.is(type, 'task.failed')
  t.deepEqual(data.error, {
    name: 'TaskError',
    message: 'outer',
    code: 'X',
    cause: { name: 'Error', message: 'inner' },
  })
})

test('a task that was cancelled before it ran never started', (t) => {
  const { type, data } = read({ state: 'cancelled', attempt: 0, startedAt: null })
  t.is(type, 'task.cancelled')
  t.is(data.startedAt, null)
})

test('a result that is long is left out', (t) => {
  t.is(read({ result: 'x'.repeat(65_000) }).data.result.length, 65_000)
  t.is(read({ result: 'x'.repeat(66_000) }).data.result, null)
})

test('the same outcome makes the same message, byte by byte', (t) => {
  t.is(payloadOf(ended, ''), payloadOf(structuredClone(ended), ''))
})
