import { addConcurrently, secondsOf, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { increment } from '../trivial/count.ts'
import { newLetter, type Letter } from '../trivial/letter.ts'
import { Endings } from './endings.ts'
import { importPeer } from './peer.ts'
import { startRedis } from './redis.ts'
import type { Worked, WorkOptions, WorkParameters } from './protocol.ts'

/** Where Redis is, as BullMQ is told. */
export interface Connection {
  host: string
  port: number
  db?: number
  maxRetriesPerRequest: null
}

/** The little of its Worker that is used. */
export interface BullMQWorker {
  on(event: 'completed', listener: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
  waitUntilReady(): Promise<unknown>
  close(): Promise<void>
}

/** The little of BullMQ that is used. */
export interface BullMQ {
  Queue: new (
    name: string,
    options: { connection: Connection; defaultJobOptions: object },
  ) => {
    add(name: string, data: Letter): Promise<{ id?: string }>
    addBulk(jobs: readonly { name: string; data: Letter }[]): Promise<unknown>
    getJobCounts(...states: string[]): Promise<Record<string, number>>
    close(): Promise<void>
  }
  Worker: new (
    name: string,
    processor: (job: { id?: string; data: Letter }) => Promise<void>,
    options: { connection: Connection; concurrency: number },
  ) => BullMQWorker
}

/**
 * As its documents have it for speed: a Worker with much concurrency in the process, jobs removed when complete. Its
 * commands share an fsync when they arrive together, so more concurrency than our threads have only helps it.
 */
const concurrency = 256

/**
 * BullMQ, where somebody installed it.
 * @throws Absent
 */
export async function importBullMQ(): Promise<BullMQ> {
  const bullmq = await importPeer<BullMQ>('bullmq')
  // BullMQ's own client of Redis, which newer versions leave to be installed beside it.
  await importPeer('ioredis')
  return bullmq
}

/** BullMQ on a Redis that syncs every write before it answers. */
export async function start({ folder }: WorkOptions): Promise<StartedSystem> {
  const { Queue, Worker } = await importBullMQ()
  const { port, stop: stopRedis } = await startRedis(folder)
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
  const queue = new Queue('letters', { connection, defaultJobOptions: { removeOnComplete: true } })
  const worker = new Worker('letters', async ({ data }) => increment(data), { connection, concurrency })
  const endings = new Endings()
  worker.on('completed', () => endings.ended())
  worker.on('error', () => {})
  await worker.waitUntilReady()

  async function work({ tasks, adders }: WorkParameters): Promise<Worked> {
    const ended = endings.next(tasks)
    const seconds = await secondsOf(async () => {
      await addConcurrently(adders, times(tasks), () => queue.add('letter', newLetter()))
      await ended
    })
    const { wait = 0, active = 0, failed = 0 } = await queue.getJobCounts('wait', 'active', 'failed')
    if (wait + active + failed > 0)
      throw new Error(`Expected all jobs to end, got ${wait + active + failed} left`)
    return { seconds }
  }
  async function stop(): Promise<void> {
    await worker.close()
    await queue.close()
    await stopRedis()
  }
  return { answers: { work }, stop }
}
