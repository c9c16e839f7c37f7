// Run by Node.js itself: node --test 'node/*.test.ts'
import assert from 'node:assert/strict'
import { beforeEach, test, type TestContext } from 'node:test'
import { serve, type Subject } from '../serve.ts'
import { tasks } from '../tasks.ts'
import { outbox } from '../workers/outbox.ts'

async function start(t: TestContext, mode: 'capture' | 'inline'): Promise<Subject> {
  const subject = await serve(mode)
  t.after(() => subject.end())
  return subject
}

beforeEach(() => {
  outbox.delivered.length = 0
})

test('capture: whoever signs up is welcomed, and nothing is sent yet', async (t) => {
  const { url, afterwork } = await start(t, 'capture')
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org', subject: 'Welcome' }], { times: 1 })
  afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }], { delay: '3d' })
  assert.deepEqual(outbox.delivered, [])
  await afterwork.drain()
  assert.equal(outbox.delivered.length, 1)
})

test('inline: the mail goes out by itself', async (t) => {
  const { url, afterwork } = await start(t, 'inline')
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  const [sent] = await afterwork.drain()
  assert.equal(sent?.id, outbox.delivered[0]?.id)
})

test('fake time: the second mail goes out after three days', async (t) => {
  const { url, afterwork } = await start(t, 'inline')
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  await afterwork.advance('3d')
  assert.deepEqual(
    outbox.delivered.map(({ subject }) => subject),
    ['Welcome', 'How is it going?'],
  )
})

test('fake time: what cannot be delivered is tried three times', async (t) => {
  const { url, afterwork } = await start(t, 'inline')
  await fetch(`${url}/?to=nobody@invalid`, { method: 'POST' })
  const [failed] = await afterwork.advance('1h', { allowFailures: true })
  assert.equal(failed?.state, 'failed')
  assert.equal(failed?.attempt, 3)
})
