// Run by vitest: vitest run --dir vitest
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { serve, type Subject } from '../serve.ts'
import { tasks } from '../tasks.ts'
import { outbox } from '../workers/outbox.ts'

vi.mock('../workers/outbox.ts', () => ({ outbox: { deliver: vi.fn(async () => {}) } }))

let subject: Subject

beforeEach(() => {
  vi.mocked(outbox.deliver).mockClear()
})

afterEach(async () => {
  vi.useRealTimers()
  await subject.end()
})

test('tasks run in the process of the test, so a module that is mocked is mocked for them', async () => {
  subject = await serve('inline')
  const { url, afterwork } = subject
  await fetch(`${url}/?to=ada@example.org`, { method: 'POST' })
  await afterwork.drain()
  expect(outbox.deliver).toHaveBeenCalledOnce()
})

test('fake timers of vitest do not stop the clock of afterwork, nor move it', async () => {
  subject = await serve('inline')
  const { afterwork } = subject
  vi.useFakeTimers()
  const message = { to: 'ada@example.org', subject: 'Tomorrow' }
  await afterwork.addTask(tasks.mail.sendEmail.with({ delay: '1d' }), message)
  await vi.advanceTimersByTimeAsync(86_400_000)
  expect(outbox.deliver).not.toHaveBeenCalled()
  await afterwork.advance('1d')
  expect(outbox.deliver).toHaveBeenCalledOnce()
})
