// Run by ava: ava 'ava/*.test.ts'
import test, { type ExecutionContext } from 'ava'
import { serve, type Subject } from '../serve.ts'
import { tasks } from '../tasks.ts'
import { outbox } from '../workers/outbox.ts'

async function start(t: ExecutionContext, mode: 'capture' | 'inline'): Promise<Subject> {
  const subject = await serve(mode)
  t.teardown(() => subject.end())
  return subject
}

test.beforeEach(() => {
  outbox.delivered.length = 0
})

// Serial, for all of them share the outbox.
test.serial('capture: whoever signs up is welcomed, and nothing is sent yet', async (t) => {
  const { url, afterwork } = await start(t, 'capture')
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org', subject: 'Welcome' }], { times: 1 })
  afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }], { delay: '3d' })
  t.deepEqual(outbox.delivered, [])
  await afterwork.drain()
  t.is(outbox.delivered.length, 1)
})

test.serial('inline: the mail goes out by itself', async (t) => {
  const { url, afterwork } = await start(t, 'inline')
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  const [sent] = await afterwork.drain()
  t.is(sent?.id, outbox.delivered[0]?.id)
})

test.serial('fake time: the second mail goes out after three days', async (t) => {
  const { url, afterwork } = await start(t, 'inline')
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  await afterwork.advance('3d')
  t.deepEqual(
    outbox.delivered.map(({ subject }) => subject),
    ['Welcome', 'How is it going?'],
  )
})

test.serial('fake time: what cannot be delivered is tried three times', async (t) => {
  const { url, afterwork } = await start(t, 'inline')
  await fetch(`${url}/?to=nobody@invalid`, { method: 'POST' })
  const [failed] = await afterwork.advance('1h', { allowFailures: true })
  t.like(failed, { state: 'failed', attempt: 3 })
})
