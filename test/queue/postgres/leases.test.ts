import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
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

test('postgres: a thread that gives signs of life is replaced when it dies, and its successor knows what runs', async (t) => {
  t.timeout(60_000)
  const url = await databases.create(t)
  const client = await connect(t, url)
  const starting = once(process, 'worker') as Promise<[Worker]>
  const one = await join(t, url)
  const [thread] = await starting
  const task = newTask()
  await one.add(task)
  await one.run(t, task)
  // What is said of its start is a sign of life, too.
  await one.counters()

  await thread.terminate()
  await client.query('CREATE TABLE public.death AS SELECT clock_timestamp() AS at')
  const seen = `SELECT EXISTS (SELECT FROM afterwork.processes p, public.death WHERE p.seen_on > death.at) AND
    EXISTS (SELECT FROM afterwork_boss.job j, public.death WHERE j.id = $1 AND j.heartbeat_on > death.at) AS seen`
  const until = performance.now() + 40_000
  for (let lives = false; !lives; await wait(50)) {
    const { rows } = await client.query<{ seen: boolean }>(seen, [task.id])
    lives = rows[0]!.seen
    if (performance.now() > until) throw new Error('It gives no sign of life')
  }
  t.true(await one.engine.record(task.id, 1, { state: 'succeeded', at: Date.now(), result: null }))
  t.deepEqual(one.errors, [])
})
