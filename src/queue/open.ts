import { badOption } from '../core/errors.ts'
import { isPostgres, queueUrls, withoutPassword } from '../core/queue-url.ts'
import { MemoryQueue } from './memory.ts'
import { PostgresQueue } from './postgres/engine.ts'
import type { Engine, QueueBounds, Retention } from './queue.ts'
import { SqliteQueue } from './sqlite/engine.ts'

/** The engine that a URL names, not opened yet; throws AFTERWORK_BAD_OPTION when there is none. */
export function openQueue(url: string, bounds: QueueBounds, retention: Retention): Engine {
  if (url === 'memory:') return new MemoryQueue(bounds, retention)
  const file = /^sqlite:(.+)$/.exec(url)?.[1]
  if (file !== undefined) return new SqliteQueue(file, bounds, retention)
  if (isPostgres(url)) return new PostgresQueue(url, bounds, retention)
  throw badOption('queue', queueUrls, withoutPassword(url))
}
