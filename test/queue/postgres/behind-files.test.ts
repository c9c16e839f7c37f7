import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { ids, newTask, retried, storedFile } from '../conformance/subject.ts'
import { join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

test('postgres: a process without the stored files finds what waits behind tasks that name some', async (t) => {
  const url = await databases.create(t)
  const whole = await join(t, url)
  const first = newTask()
  await whole.add(first)
  await whole.end(t, first)
  // It knows the lane from the beginning.
  const stray = await join(t, url, { files: false })
  const withFiles = Array.from({ length: 5 }, () => newTask({ files: [storedFile()] }))
  const urgent = newTask({ files: [storedFile()], options: { priority: 9 } })
  const plain = [newTask(), newTask()]
  await whole.add(...withFiles, urgent, ...plain)
  // A slot sees no more than the first of a lane.
  t.deepEqual(await stray.claim(1), [plain[0]!.id])
  t.deepEqual(await stray.claim(), [plain[1]!.id])
  t.deepEqual(await stray.claim(), [])

  // It is the same for an attempt that is not the first.
  await whole.run(t, urgent)
  t.true(await whole.engine.record(urgent.id, 1, retried(Date.now())))
  t.deepEqual(await stray.claim(), [])
  t.deepEqual(await whole.claim(), ids([urgent, ...withFiles]))
})
