import test from 'ava'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { openQueue } from '../../src/queue/open.ts'

const bounds = { maxTasks: 1, maxBytes: 1 }
const retention = { tasks: 1 }

test('the URL says which engine is opened', async (t) => {
  const engine = openQueue('memory:', bounds, retention)
  t.teardown(() => engine.close())
  t.true(engine instanceof MemoryQueue)
})

for (const url of ['', 'memory', 'redis://localhost', './queue.db']) {
  test(`"${url}" names no engine`, (t) => {
    t.throws(() => openQueue(url, bounds, retention), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /^queue: Expected /,
    })
  })
}
