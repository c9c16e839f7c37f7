import { pino } from 'pino'
import { readConfig } from '../service/config.ts'
import { removeServiceFile, writeServiceFile } from '../service/service-file.ts'
import { startService, type Service } from '../service/service.ts'

const exitCodes = { SIGINT: 130, SIGTERM: 143 }

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
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(exitCodes[signal])
      stopping = true
      // From now on nobody is answered.
      removeServiceFile(config.data)
      logger.info({ signal }, 'stopping: no new requests, running tasks go on for a while')
      service.afterwork.once('afterwork.stopped', ({ left }) => {
        if (left === 0) return
        if (config.queue === 'memory:')
          logger.warn({ left }, 'tasks that had not ended are gone with memory:')
        else logger.info({ left }, 'tasks that had not ended stay queued for the next start')
      })
      service.stop().then(
        () => logger.info('stopped'),
        (error: unknown) => {
          logger.fatal({ err: error }, 'stopping failed')
          process.exit(1)
        },
      )
    })
  }
  // Whoever reads this may stop it at once.
  process.stdout.write(`afterwork ${process.pid} listening on ${service.url}\n`)
  return service
}
