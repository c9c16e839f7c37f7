import test from 'ava'
import { newId } from '../../src/core/id.ts'
import { onEndedTask, type EndedTask } from '../../src/core/on-ended.ts'
import { defaults } from '../../src/core/options.ts'
import type { NewTask, TaskRecord } from '../../src/core/task.ts'
import { decodeArguments, encodeArguments } from '../../src/core/value.ts'

const follower = { name: 'audit.note', options: { ...defaults, redact: ['account'] } }

function ended(options: Partial<NewTask['options']> = {}): [NewTask, TaskRecord] {
  const id = newId()
  const args = encodeArguments([{ iban: 'DE00' }], 'pay.charge')
  const task = { id, name: 'pay.charge', args, files: [], group: id, options: { ...defaults, ...options } }
  const record: TaskRecord = {
    id,
    name: 'pay.charge',
    group: id,
    pool: 'cpu',
    priority: 0,
    state: 'failed',
    attempt: 2,
    progress: null,
    result: null,
    error: { name: 'Error', message: 'declined' },
    args,
    redact: [],
    addedAt: 1,
    runAt: null,
    startedAt: 2,
    endedAt: 3,
  }
  return [task, record]
}

test('without the option nothing is added', (t) => {
  t.is(onEndedTask(...ended()), undefined)
})

test('the task that is added knows how the other one ended', (t) => {
  const added = onEndedTask(...ended({ onEnded: follower }))!
  t.is(added.name, 'audit.note')
  t.is(added.group, added.id)
  t.like(decodeArguments(added.args)[0] as EndedTask, {
    name: 'pay.charge',
    state: 'failed',
    attempt: 2,
    args: [{ iban: 'DE00' }],
    error: { name: 'Error', message: 'declined' },
    endedAt: new Date(3),
  })
})

test('what was not shown of the one is not shown as argument of the other', (t) => {
  const added = onEndedTask(...ended({ onEnded: follower, redact: ['iban'] }))!
  t.deepEqual(added.options.redact, ['account', 'iban'])
})
