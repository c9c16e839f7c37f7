import { pino } from 'pino'
import { isShared, readConfig } from '../service/config.ts'
import { removeServiceFile, writeServiceFile } from '../service/service-file.ts'
import { startService, type Service } from '../service/service.ts'
import { stopOnSignals } from './signals.ts'

/** Starts the service, which runs until SIGTERM or SIGINT; a second signal ends it at once. */
export async function serve(args: readonly string[]): Promise<Service> {
  const config = readConfig(args, process.env)
  const logger = pino({ level: config.logLevel })
  const service = await startService(config, logger)
  try {
    writeServiceFile(config.data, service.url)
  } catch (error) {
    logger.warn({ err: error }, 'where this listens could not be written into the data folder')
  }
  const stoppable = {
    stopping: 'stopping: no new requests, running tasks go on for a while',
    // From now on nobody is answered.
    begin: () => removeServiceFile(config.data),
    left(left: number) {
      if (config.queue === 'memory:') logger.warn({ left }, 'tasks that had not ended are gone with memory:')
      else if (isShared(config))
        logger.info({ left }, 'tasks of the queue have not ended, and wait for others')
      else logger.info({ left }, 'tasks that had not ended stay queued for the next start')
    },
    afterwork: service.afterwork,
    stop: () => service.stop(),
  }
  stopOnSignals(stoppable, logger)
  // Whoever reads this may stop it at once.
  process.stdout.write(`afterwork ${process.pid} listening on ${service.url}\n`)
  return service
}
