import type { Logger } from 'pino'

const exitCodes = { SIGINT: 130, SIGTERM: 143 }

/** What runs until it is told to stop. */
export interface Stoppable {
  /** What the log says when a signal comes. */
  stopping: string
  /** Called at the first signal, before anything ends. */
  begin?: () => void
  /** Called at the end with the number of tasks that stay, when there are any. */
  left: (left: number) => void
  afterwork: { once(event: 'afterwork.stopped', listener: (told: { left: number }) => void): unknown }
  stop(): Promise<void>
}

/** Stops at SIGTERM or SIGINT, and lets what runs go on for a while; a second signal ends the process at once. */
export function stopOnSignals(what: Stoppable, logger: Logger): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(exitCodes[signal])
      stopping = true
      what.begin?.()
      logger.info({ signal }, what.stopping)
      what.afterwork.once('afterwork.stopped', ({ left }) => {
        if (left > 0) what.left(left)
      })
      what.stop().then(
        () => logger.info('stopped'),
        (error: unknown) => {
          logger.fatal({ err: error }, 'stopping failed')
          process.exit(1)
        },
      )
    })
  }
}
