import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import test from 'ava'
import { newTask } from '../conformance/subject.ts'
import { openQueue } from './opened.ts'

test('a reader that dies is missed by what was asked of it, and by nothing after it', async (t) => {
  const workers: Worker[] = []
  const note = (worker: Worker): void => void workers.push(worker)
  process.on('worker', note)
  t.teardown(() => process.off('worker', note))
  const queue = await openQueue(t)
  const task = newTask()
  await queue.add(task)
  t.is(await queue.state(task), 'queued')
  const readers = (): Worker[] => workers.filter((worker) => !queue.stores.includes(worker))
  for (let deaths = 1; deaths <= 3; deaths++) {
    const reader = readers().at(-1)!
    const exited = once(reader, 'exit')
    const asked = queue.engine.get(task.id).catch((error: Error & { code: string }) => error)
    await reader.terminate()
    await exited
    const found = await asked
    if (found instanceof Error) t.is(found.code, 'AFTERWORK_QUEUE_FAILED')
    t.is(await queue.state(task), 'queued')
    t.is((await queue.engine.list({ limit: 5 })).length, 1)
    t.is(readers().length, deaths + 1)
  }
  await queue.engine.close()
})
