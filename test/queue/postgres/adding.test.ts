import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { startProxy } from '../../support/proxy.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { ids, newTask } from '../conformance/subject.ts'
import { join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

const full = { code: 'AFTERWORK_QUEUE_FULL' }

for (const [what, args, bounds] of [
  ['tasks', '[]', { maxTasks: 3 }],
  ['bytes', JSON.stringify('x'.repeat(998)), { maxBytes: 3_000 }],
] as const) {
  test(`postgres: while the database does not answer no more ${what} wait for it than it may hold`, async (t) => {
    const url = await databases.create(t)
    const proxy = await startProxy(t, url)
    const one = await join(t, proxy.through(url), {}, bounds)
    const first = newTask()
    await one.add(first)
    await one.end(t, first)
    proxy.stall()
    const tasks = Array.from({ length: 3 }, () => newTask({ args }))
    const adding = tasks.map((task) => one.add(task))
    await t.throwsAsync(one.add(newTask({ args })), full)
    await t.throwsAsync(one.hold(newTask({ args }), newTask({ args })), full)
    proxy.letThrough()
    await Promise.all(adding)
    t.deepEqual(await one.claim(), ids(tasks))
    // It has been answered: there is room in memory, and none in the database.
    await t.throwsAsync(one.add(newTask({ args })), full)
  })
}
