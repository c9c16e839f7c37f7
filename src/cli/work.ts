import { pino } from 'pino'
import { withoutPassword } from '../core/queue-url.ts'
import { readWorkerConfig } from '../service/config-worker.ts'
import { startWorker } from '../service/worker.ts'
import { requirePeers } from './missing.ts'
import { stopOnSignals } from './signals.ts'

/** The longest that a Node.js timer can wait, in milliseconds. */
const long = 2 ** 31 - 1

/** Runs tasks that other processes add, without HTTP, until SIGTERM or SIGINT; a second signal ends it at once. */
export async function work(args: readonly string[]): Promise<void> {
  const config = readWorkerConfig(args, process.env)
  if (config.tasks === null) requirePeers()
  const logger = pino({ level: config.logLevel })
  const { afterwork, pools } = await startWorker(config, logger)
  // While the database is away nothing else may keep the process, which is to go on when it is back.
  const staying = setInterval(() => {}, long)
  const stoppable = {
    stopping: 'stopping: no new tasks, running ones go on for a while',
    left: (left: number) => logger.info({ left }, 'tasks of the queue have not ended, and wait for others'),
    afterwork,
    async stop() {
      await afterwork.stop()
      clearInterval(staying)
    },
  }
  stopOnSignals(stoppable, logger)
  // Whoever reads this may stop it at once.
  process.stdout.write(
    `afterwork ${process.pid} working on ${pools.join(', ')} of ${withoutPassword(config.queue)}\n`,
  )
}
