import { PgBoss } from 'pg-boss'
import { addConcurrently, secondsOf, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { increment } from '../trivial/count.ts'
import { newLetter, type Letter } from '../trivial/letter.ts'
import { Endings } from './endings.ts'
import { startPostgres } from './postgres.ts'
import type { Worked, WorkOptions, WorkParameters } from './protocol.ts'

/** The most jobs of one fetch, and the shortest time between two, which its documents give as the knobs for speed. */
const speed = { batchSize: 1_000, pollingIntervalSeconds: 0.5 }

/** pg-boss on a PostgreSQL with its own defaults: every commit is synced. */
export async function start({ folder }: WorkOptions): Promise<StartedSystem> {
  const postgres = await startPostgres(folder)
  try {
    const boss = new PgBoss({ connectionString: await postgres.database(), max: 20 })
    boss.on('error', () => {})
    await boss.start()
    await boss.createQueue('letters')
    return await startWorker(boss, postgres.stop)
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

async function startWorker(boss: PgBoss, stopPostgres: () => Promise<void>): Promise<StartedSystem> {
  const endings = new Endings()
  await boss.work<Letter>('letters', speed, async (jobs) => {
    for (const { data } of jobs) increment(data)
    endings.ended(jobs.length)
  })

  async function work({ tasks, adders }: WorkParameters): Promise<Worked> {
    const ended = endings.next(tasks)
    const seconds = await secondsOf(async () => {
      await addConcurrently(adders, times(tasks), () => boss.send('letters', newLetter()))
      await ended
    })
    return { seconds }
  }
  async function stop(): Promise<void> {
    await boss.stop({ graceful: false })
    await stopPostgres()
  }
  return { answers: { work }, stop }
}
