import { PgBoss, type WorkOptions } from 'pg-boss'
import type { StartedSystem } from '../harness/system-module.ts'
import { newLetter, type Letter } from '../trivial/letter.ts'
import { sharedNow } from './clock.ts'
import type { RoleOptions } from './protocol.ts'
import { adderSystem, EndCounter, workerSystem, type Adder, type Worker } from './roles.ts'

const queue = 'letters'

/** How pg-boss is told to work, besides what every system is told. */
export interface PgBossOptions extends RoleOptions {
  work: WorkOptions
}

/** pg-boss as its documents have it, with its default pool of connections. */
export async function start({ url, role, prompt, work }: PgBossOptions): Promise<StartedSystem> {
  const boss = new PgBoss({ connectionString: url, useListenNotify: prompt })
  boss.on('error', () => {})
  await boss.start()
  await boss.createQueue(queue, { notify: prompt })
  return role === 'add' ? adderSystem(adderOf(boss)) : workerSystem(workerOf(boss, work))
}

function adderOf(boss: PgBoss): Adder {
  return {
    add: async () => (await boss.send(queue, newLetter()))!,
    async fill(count) {
      for (let left = count; left > 0; left -= 1_000)
        await boss.insert(
          queue,
          Array.from({ length: Math.min(left, 1_000) }, () => ({ data: newLetter() })),
        )
    },
    async waiting() {
      const { rows } = await boss
        .getDb()
        .executeSql(
          `SELECT count(*)::integer AS found FROM pgboss.job WHERE name = $1 AND state = 'created'`,
          [queue],
        )
      return (rows as { found: number }[])[0]!.found
    },
    close: () => boss.stop({ graceful: false }),
  }
}

function workerOf(boss: PgBoss, options: WorkOptions): Worker {
  const begun = new Map<string, number>()
  const counter = new EndCounter()

  async function open(): Promise<void> {
    await boss.work<Letter>(queue, options, async (jobs) => {
      const now = sharedNow()
      for (const { id } of jobs) begun.set(id, now)
      counter.ended(jobs.length)
    })
  }
  return {
    open,
    pause: () => boss.offWork(queue, { wait: true }),
    ends: () => counter.ends(),
    begun: (id) => begun.get(id),
    close: () => boss.stop({ graceful: false }),
  }
}
