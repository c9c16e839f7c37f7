import { AssertionError } from 'node:assert'
import test, { type ExecutionContext } from 'ava'
import { start, type Subject } from './bench.ts'
import { tasks } from './fixtures/tasks.ts'

/** What a failed assertion says. */
function refusal(t: ExecutionContext, assertion: () => unknown): string {
  const error = t.throws(assertion, { instanceOf: AssertionError })
  return error?.message ?? ''
}

async function withMail(t: ExecutionContext): Promise<Subject> {
  const afterwork = await start(t)
  await afterwork.addTask(
    tasks.mail.sendEmail.with({ delay: '5m', priority: 2 }),
    {
      to: 'bob@example.org',
      subject: 'Hello Bob',
      at: new Date(0),
      password: 'hunter2',
      iban: 'DE02',
      lines: [{ text: 'tea', count: 2 }],
    },
    { copies: 3 },
  )
  await afterwork.addTask(tasks.mail.sendEmail, { to: 'ada@example.org', subject: 'Hello Ada' })
  return afterwork
}

test('as much is compared as is said', async (t) => {
  const afterwork = await withMail(t)
  const { sendEmail } = tasks.mail
  t.is(afterwork.assertAdded(sendEmail).length, 2)
  t.is(afterwork.assertAdded(sendEmail, []).length, 2)
  t.is(afterwork.assertAdded(sendEmail, [{}]).length, 2)
  t.is(afterwork.assertAdded(sendEmail, [{ to: 'ada@example.org' }]).length, 1)
  afterwork.assertAdded(sendEmail, [{ at: new Date(0), lines: [{ text: 'tea' }] }, { copies: 3 }])
  afterwork.assertAdded(sendEmail, [{}, undefined], { times: 1 })
  afterwork.assertAdded(sendEmail, [{ at: undefined }], { times: 1 })
  afterwork.assertAdded(sendEmail, [], { times: 2 })
  afterwork.assertAdded(tasks.notes.note, [], { times: 0 })
  afterwork.assertNotAdded(sendEmail, [{ lines: [] }])
  afterwork.assertNotAdded(sendEmail, [{ at: new Date(1) }])
  afterwork.assertNotAdded(sendEmail, [{ lines: [{ text: 'tea' }, { text: 'milk' }] }])
  afterwork.assertNotAdded(tasks.notes.note)
})

test('options are compared as they count, whoever gave them', async (t) => {
  const afterwork = await withMail(t)
  const { sendEmail } = tasks.mail
  afterwork.assertAdded(sendEmail, [], { times: 1, delay: 300_000 })
  afterwork.assertAdded(sendEmail, [], { times: 1, delay: '5m', priority: 2 })
  afterwork.assertAdded(sendEmail, [], { times: 2, retries: 3, pool: 'mail' })
  afterwork.assertAdded(sendEmail, [], { times: 1, delay: 0 })
  afterwork.assertNotAdded(sendEmail, [], { delay: '5m', priority: 1 })
  const [task] = afterwork.added
  t.is(task?.runAt?.getTime(), task!.addedAt.getTime() + 300_000)
})

test('a failure shows what was added instead, the nearest, and no secrets', async (t) => {
  const afterwork = await withMail(t)
  const said = refusal(t, () =>
    afterwork.assertAdded(
      tasks.mail.sendEmail,
      [{ to: 'bob@example.com', password: 'wrong', iban: 'DE03', lines: [{ count: 3 }] }],
      { delay: '1m' },
    ),
  )
  const lines = said.split('\n')
  t.is(
    lines[0],
    `Expected mail.sendEmail with [ { to: 'bob@example.com', password: '[redacted]', iban: '[redacted]', lines: [ { count: 3 } ] } ] and { delay: '1m' } to be added at least once, got 0.`,
  )
  t.true(lines.includes(`  argument 1.to: expected 'bob@example.com', got 'bob@example.org'`), said)
  t.true(lines.includes('  argument 1.lines[0].count: expected 3, got 2'), said)
  t.true(lines.includes('  options.delay: expected 60000, got 300000'), said)
  t.true(lines.includes(`  argument 1.password: expected '[redacted]', got '[redacted]'`), said)
  t.regex(lines.at(-1)!, /^ {2}2\. mail\.sendEmail \[ \{ to: 'ada@example\.org'/)
  for (const secret of ['hunter2', 'wrong', 'DE02', 'DE03']) t.false(said.includes(secret), said)
})

test('a failure to count shows how often', async (t) => {
  const afterwork = await withMail(t)
  t.regex(
    refusal(t, () => afterwork.assertAdded(tasks.mail.sendEmail, [], { times: 1 })),
    /to be added once, got 2\.\nWhat was added:\n {2}1\. /,
  )
  t.regex(
    refusal(t, () => afterwork.assertNotAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }])),
    /to be added 0 times, got 1\./,
  )
  afterwork.reset()
  t.regex(
    refusal(t, () => afterwork.assertAdded(tasks.mail.sendEmail)),
    /Nothing was added\.$/,
  )
})

test('a failure points to the line of the test', async (t) => {
  const afterwork = await start(t)
  const error = t.throws(() => afterwork.assertAdded(tasks.notes.note))
  t.regex(
    error!.stack!.split('\n').find((line) => /^ +at /.test(line))!,
    /assert\.test\.ts/,
  )
})

test('a list of very many, or of huge ones, is cut short', async (t) => {
  const afterwork = await start(t)
  for (let index = 0; index < 100; index++) await afterwork.addTask(tasks.notes.note, 'x'.repeat(100_000))
  const said = refusal(t, () => afterwork.assertAdded(tasks.notes.note, ['y']))
  t.regex(said, /and 80 more$/)
  t.true(said.length < 10_000, String(said.length))
})

test('what cannot have been added is no assertion but a mistake', async (t) => {
  const afterwork = await start(t)
  const names = tasks.notes as unknown as Record<string, typeof tasks.notes.note>
  t.throws(() => afterwork.assertNotAdded(names['noot']!), { code: 'AFTERWORK_UNKNOWN_TASK' })
  t.throws(() => afterwork.assertNotAdded('notes.note' as never), { code: 'AFTERWORK_BAD_TASK' })
  t.throws(() => afterwork.assertNotAdded((() => {}) as never), { code: 'AFTERWORK_BAD_TASK' })
  const wrong = [{ times: -1 }, { times: 1.5 }, { dealy: '5m' }, { delay: '5 minutes' }]
  for (const expected of wrong)
    t.throws(() => afterwork.assertAdded(tasks.notes.note, [], expected as object), {
      code: 'AFTERWORK_BAD_OPTION',
    })
  t.throws(() => afterwork.assertAdded(tasks.notes.note, 'x' as never), { code: 'AFTERWORK_BAD_OPTION' })
})

test('values of every kind are compared', async (t) => {
  const afterwork = await start(t)
  const { echo } = tasks.notes
  await afterwork.addTask(echo, 7n, new Uint8Array([1, 2]), new Date(3), null, 0, { a: { b: [1, { c: 2 }] } })
  const found = afterwork.assertAdded(echo, [
    7n,
    new Uint8Array([1, 2]),
    new Date(3),
    null,
    -0,
    { a: { b: [1, { c: 2 }] } },
  ])
  t.is(found.length, 1)
  afterwork.assertNotAdded(echo, [7])
  afterwork.assertNotAdded(echo, [7n, new Uint8Array([1, 3])])
  afterwork.assertNotAdded(echo, [7n, [1, 2]])
  afterwork.assertNotAdded(echo, [7n, new Uint8Array([1, 2]), 3])
  afterwork.assertNotAdded(echo, [7n, new Uint8Array([1, 2]), new Date(3), undefined])
  afterwork.assertNotAdded(echo, [7n, new Uint8Array([1, 2]), new Date(3), {}])
})
