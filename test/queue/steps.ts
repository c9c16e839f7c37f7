import fc from 'fast-check'
import { defaults, type ResolvedOptions } from '../../src/core/options.ts'
import type { NewTask } from '../../src/core/task.ts'
import type { Settlement } from '../../src/queue/queue.ts'
import { failure, hour, newTask } from './conformance/subject.ts'

const kinds: Record<string, Partial<ResolvedOptions>> = {
  plain: {},
  one: { concurrency: 1 },
  two: { concurrency: 2 },
  rated: { rateLimit: { max: 3, per: hour } },
  both: { concurrency: 1, rateLimit: { max: 4, per: hour } },
}
/** What some tasks have as their `onEnded`. */
export const onEnded = { name: 'audit.ended', options: { ...defaults, pool: 'audit' } }

/** A task that a step adds; a group is one of a few, or its own. */
const wanted = fc.record({
  group: fc.constantFrom(null, 0, 0, 1, 1, 2, 3),
  kind: fc.constantFrom('plain', 'plain', 'plain', 'one', 'two', 'rated', 'both'),
  pool: fc.constantFrom('cpu', 'cpu', 'mail'),
  priority: fc.integer({ min: -1, max: 1 }),
  unique: fc.constantFrom(null, null, 'a', 'b'),
  onlyAfterSuccess: fc.boolean(),
  batch: fc.boolean(),
  far: fc.constantFrom(false, false, false, false, true),
  watched: fc.constantFrom(false, false, true),
  args: fc.constantFrom('[]', '["12345678"]'),
})

/** Which task a step is about: one of those it suits or, sometimes, any. */
const pick = fc.record({ at: fc.nat(999), any: fc.constantFrom(false, false, false, false, false, true) })
const picks = fc.array(pick, { maxLength: 4 })
/** How an attempt ends. */
const outcome = {
  state: fc.constantFrom('succeeded', 'succeeded', 'failed', 'failed', 'scheduled', 'queued', 'cancelled'),
  far: fc.boolean(),
  suspect: fc.boolean(),
  followUps: fc.array(wanted, { maxLength: 2, size: 'xsmall' }),
}
/** The pools that tasks of a trial are in; what watches others runs in audit. */
export const pools = ['cpu', 'mail', 'audit']
const pool = fc.constantFrom(...pools, 'cpu', 'cpu')

/** One thing done to an engine, by whoever adds tasks, works on them or watches over them. */
export const steps = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('add'),
      tasks: fc.array(wanted, { minLength: 1, maxLength: 4 }),
      held: fc.constantFrom(false, false, true),
      unbounded: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('release'), picks }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('claim'), pool, slots: fc.nat(4) }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('start'), picks }) },
  {
    weight: 7,
    arbitrary: fc.record({
      act: fc.constant('record'),
      pick,
      /** How far its attempt is from the running one. */
      stale: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
      ...outcome,
    }),
  },
  { weight: 7, arbitrary: fc.record({ act: fc.constant('run'), pool, ...outcome }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('giveBack'), picks }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('cancel'), pick }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('retry'), pick }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('pause'), pool }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('resume'), pool }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('reopen') }) },
)

type Value<A> = A extends fc.Arbitrary<infer T> ? T : never
export type Step = Value<typeof steps>
type WantedTask = Value<typeof wanted>
export type Pick = Value<typeof pick>

/** The task that a step adds; `groups` are the groups that it may join. */
export function taskOf(
  { group, kind, far, watched, args, ...options }: WantedTask,
  groups: readonly string[],
): NewTask {
  return newTask({
    name: `tasks.${kind}`,
    args,
    ...(group !== null && { group: groups[group]! }),
    options: { ...options, ...kinds[kind], delay: far ? hour : 0, onEnded: watched ? onEnded : null },
  })
}

/** What a step records. */
export function settlementOf({ state, far, suspect }: Extract<Step, { act: 'record' }>): Settlement {
  const at = Date.now()
  switch (state) {
    case 'succeeded':
      return { state, at, result: '5' }
    case 'scheduled':
      return { state, at, failure, runAt: far ? at + hour : at - 1 }
    case 'queued':
      return { state, at, failure, suspect }
    default:
      return { state, at, failure } as Settlement
  }
}
