import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import type { TaskRecord } from '../../src/core/task.ts'
import { temporaryFolder } from '../support/folder.ts'
import { post } from '../support/http.ts'

type Told =
  | { event: 'handled' | 'committed' }
  | { event: 'listening'; url: string }
  | { event: 'tasks'; tasks: TaskRecord[] }

/** What a child tells next of this kind. */
async function told<E extends Told['event']>(
  child: ChildProcess,
  event: E,
): Promise<Extract<Told, { event: E }>> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Told]
    if (message.event === event) return message as Extract<Told, { event: E }>
  }
}

test('a request that was committed when the process was killed before its answer is done once: asked again, it is answered', async (t) => {
  const file = `${await temporaryFolder(t)}/queue.db`
  const start = async (how: 'silent' | 'answering'): Promise<{ child: ChildProcess; url: string }> => {
    const child = fork(new URL('./answering-service.ts', import.meta.url), [file, how], { stdio: 'ignore' })
    t.teardown(() => child.kill('SIGKILL'))
    return { child, url: (await told(child, 'listening')).url }
  }
  const key = { 'Idempotency-Key': 'k' }
  const first = await start('silent')
  const committed = told(first.child, 'committed')
  const unanswered = t.throwsAsync(post(first.url, {}, key))
  await committed
  const ended = once(first.child, 'exit')
  first.child.kill('SIGKILL')
  await Promise.all([ended, unanswered])

  const second = await start('answering')
  let handled = 0
  second.child.on('message', ({ event }: Told) => (handled += event === 'handled' ? 1 : 0))
  const { status, text, headers } = await post(second.url, {}, key)
  t.deepEqual([status, headers['idempotency-replayed']], [202, 'true'])
  const listing = told(second.child, 'tasks')
  second.child.send('list')
  const { tasks } = await listing
  t.deepEqual(
    tasks.map(({ id }) => id),
    [text],
  )
  t.is(handled, 0)
})
