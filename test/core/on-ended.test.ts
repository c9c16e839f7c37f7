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

test('further arguments come behind the record', (t) => {
  const args = encodeArguments(['https://hooks.example.com/', { at: new Date(5) }], 'x')
  const added = onEndedTask(...ended({ onEnded: { ...follower, args } }))!
  const [told, ...further] = decodeArguments(added.args)
  t.like(told, { name: 'pay.charge', args: [{ iban: 'DE00' }] })
  t.deepEqual(further, ['https://hooks.example.com/', { at: new Date(5) }])
})

test('who need not know the arguments gets none, and no files with them', (t) => {
  const [task, record] = ended({ onEnded: { ...follower, withArgs: false, args: '["x"]' } })
  const file = { id: newId(), name: 'a', type: 'text/plain', size: 1, path: '/files/a' }
  const added = onEndedTask({ ...task, files: [file] }, record)!
  const [told, further] = decodeArguments(added.args) as [EndedTask, unknown]
  t.deepEqual([told.args, further, added.files], [[], 'x', []])
  t.is(told.id, task.id)
  t.deepEqual(
    onEndedTask({ ...task, files: [file], options: { ...task.options, onEnded: follower } }, record)!.files,
    [file],
  )
})
