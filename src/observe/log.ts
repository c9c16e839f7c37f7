import type { Logger } from 'pino'
import type { Events } from '../core/events.ts'
import { toError } from '../core/failure.ts'

/** What is needed of a logger; pino's is one. */
export type TaskLogger = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** Writes the life of every task to the log: started, completed with its duration, failed with its stack. */
export function logEvents(events: Events, logger: TaskLogger): void {
  events.on('task.started', ({ id, name, attempt, waited }) => {
    logger.info({ task: name, id, attempt, waited }, 'task started')
  })
  events.on('task.succeeded', ({ id, name, attempt, duration, thread }) => {
    logger.info({ task: name, id, attempt, duration, thread }, 'task completed')
  })
  events.on('task.failed', ({ id, name, attempt, duration, thread, failure }) => {
    logger.error({ task: name, id, attempt, duration, thread, err: toError(failure) }, 'task failed')
  })
  events.on('task.retried', ({ id, name, attempt, duration, runAt, failure }) => {
    const retryAt = new Date(runAt).toISOString()
    logger.warn(
      { task: name, id, attempt, duration, retryAt, err: toError(failure) },
      'task failed, will be retried',
    )
  })
  events.on('task.interrupted', ({ id, name, attempt, failure }) => {
    logger.warn({ task: name, id, attempt, reason: failure.message }, 'task interrupted, queued again')
  })
  events.on('task.cancelled', ({ id, name, attempt, failure }) => {
    logger.warn({ task: name, id, attempt, reason: failure.message }, 'task cancelled')
  })
  events.on('task.requeued', ({ id, name }) => {
    logger.info({ task: name, id }, 'task queued again by hand')
  })
  events.on('pool.paused', ({ pool, reason, failure, elsewhere }) => {
    if (elsewhere) logger.warn({ pool, reason }, 'pool paused by another process')
    else if (failure === null) logger.warn({ pool, reason }, 'pool paused')
    else {
      logger.error(
        { pool, err: toError(failure) },
        'pool paused by a task: its tasks are kept; mend what is wrong, then resume the pool',
      )
    }
  })
  events.on('pool.resumed', ({ pool, elsewhere }) => {
    logger.info({ pool }, elsewhere ? 'pool resumed by another process' : 'pool resumed')
  })
  events.on('pool.resized', ({ pool, minThreads, maxThreads, concurrency, elsewhere }) => {
    const sizes = { pool, minThreads, maxThreads, concurrency }
    logger.info(sizes, elsewhere ? 'pool has the sizes that were set for all processes' : 'pool resized')
  })
  events.on('task.dropped', ({ id, name, reason }) => {
    logger.warn({ task: name, id, reason }, 'task dropped with its request')
  })
  events.on('task.log', ({ id, name, attempt, level, message, fields }) => {
    logger[level]({ ...fields, task: name, id, attempt }, message)
  })
  events.on('afterwork.error', ({ error, during }) => {
    logger.error({ err: error, during }, 'afterwork failed')
  })
  events.on('afterwork.started', ({ tasks }) => {
    logger.debug({ tasks }, 'afterwork started')
  })
  events.on('afterwork.stopped', ({ left }) => {
    logger.debug({ left }, 'afterwork stopped')
  })
}
