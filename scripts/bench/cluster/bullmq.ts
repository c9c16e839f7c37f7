import type { StartedSystem } from '../harness/system-module.ts'
import { newLetter, type Letter } from '../trivial/letter.ts'
import { importBullMQ, type BullMQ, type BullMQWorker, type Connection } from '../work/bullmq.ts'
import { sharedNow } from './clock.ts'
import type { RoleOptions } from './protocol.ts'
import { adderSystem, EndCounter, workerSystem, type Adder, type Worker } from './roles.ts'

const name = 'letters'

/** Jobs that a Worker runs at a time. */
const concurrency = 100

/** BullMQ on a Redis that syncs every write before it answers; jobs go when they are complete. */
export async function start({ url, role }: RoleOptions): Promise<StartedSystem> {
  const bullmq = await importBullMQ()
  const { hostname: host, port, pathname } = new URL(url)
  const connection = { host, port: Number(port), db: Number(pathname.slice(1)), maxRetriesPerRequest: null }
  return role === 'add'
    ? adderSystem(adderOf(bullmq, connection))
    : workerSystem(workerOf(bullmq, connection))
}

function adderOf({ Queue }: BullMQ, connection: Connection): Adder {
  const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: true } })
  return {
    add: async () => (await queue.add('letter', newLetter())).id!,
    async fill(count) {
      for (let left = count; left > 0; left -= 1_000) {
        const jobs = Array.from({ length: Math.min(left, 1_000) }, () => ({
          name: 'letter',
          data: newLetter(),
        }))
        await queue.addBulk(jobs)
      }
    },
    waiting: async () => (await queue.getJobCounts('wait'))['wait'] ?? 0,
    close: () => queue.close(),
  }
}

function workerOf({ Worker: BullMQWorker }: BullMQ, connection: Connection): Worker {
  const begun = new Map<string, number>()
  const counter = new EndCounter()
  let worker: BullMQWorker | undefined

  async function open(): Promise<void> {
    const process = async ({ id }: { id?: string; data: Letter }): Promise<void> =>
      void begun.set(id!, sharedNow())
    worker = new BullMQWorker(name, process, { connection, concurrency })
    worker.on('completed', () => counter.ended())
    worker.on('error', () => {})
    await worker.waitUntilReady()
  }
  async function pause(): Promise<void> {
    await worker?.close()
    worker = undefined
  }
  return {
    open,
    pause,
    ends: () => counter.ends(),
    begun: (id) => begun.get(id),
    close: pause,
  }
}
