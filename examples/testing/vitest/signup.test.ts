// Run by vitest: vitest run --dir vitest
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { serve, type Subject } from '../serve.ts'
import { tasks } from '../tasks.ts'
import { outbox } from '../workers/outbox.ts'

let subject: Subject

beforeEach(() => {
  outbox.delivered.length = 0
})

afterEach(() => subject.end())

test('capture: whoever signs up is welcomed, and nothing is sent yet', async () => {
  subject = await serve('capture')
  const { url, afterwork } = subject
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org', subject: 'Welcome' }], { times: 1 })
  afterwork.assertAdded(tasks.mail.sendEmail, [{ to: 'ada@example.org' }], { delay: '3d' })
  expect(outbox.delivered).toEqual([])
  await afterwork.drain()
  expect(outbox.delivered).toHaveLength(1)
})

test('inline: the mail goes out by itself, to a mock as well', async () => {
  subject = await serve('inline')
  const { url, afterwork } = subject
  const deliver = vi.spyOn(outbox, 'deliver').mockResolvedValueOnce()
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  const [sent] = await afterwork.drain()
  expect(deliver).toHaveBeenCalledExactlyOnceWith({ id: sent?.id, to: 'ada@example.org', subject: 'Welcome' })
  expect(outbox.delivered).toEqual([])
})

test('fake time: the second mail goes out after three days', async () => {
  subject = await serve('inline')
  const { url, afterwork } = subject
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  await afterwork.advance('3d')
  expect(outbox.delivered.map((message) => message.subject)).toEqual(['Welcome', 'How is it going?'])
})

test('fake time: what cannot be delivered is tried three times', async () => {
  subject = await serve('inline')
  const { url, afterwork } = subject
  await fetch(`${url}/?to=nobody@invalid`, { method: 'POST' })
  const [failed] = await afterwork.advance('1h', { allowFailures: true })
  expect(failed).toMatchObject({ state: 'failed', attempt: 3 })
})
