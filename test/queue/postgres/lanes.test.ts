import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { newTask } from '../conformance/subject.ts'
import { connect, join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

test('postgres: processes that add the first tasks of a name at the same time make one lane for them', async (t) => {
  t.timeout(150_000)
  const url = await databases.create(t)
  const names = Array.from({ length: 150 }, (_, at) => `files.read${at}`)
  const known = { names: new Set(names) }
  const all = await Promise.all([1, 2, 3].map(() => join(t, url, known)))
  for (const name of names) {
    // Only one of them needs it to be of batches.
    await Promise.all(all.map((one, at) => one.add(newTask({ name, options: { batch: at === 1 } }))))
  }
  const client = await connect(t, url)
  const { rows } = await client.query('SELECT name, batch FROM afterwork.lanes ORDER BY name COLLATE "C"')
  t.deepEqual(
    rows,
    names.toSorted().map((name) => ({ name, batch: true })),
  )
  t.deepEqual(await all[0]!.counters(), { queued: 450 })
})
