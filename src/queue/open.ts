import { badOption } from '../core/errors.ts'
import { MemoryQueue } from './memory.ts'
import type { Engine, QueueBounds, Retention } from './queue.ts'

/** Opens the engine that a URL names; throws AFTERWORK_BAD_OPTION when there is none. */
export function openQueue(url: string, bounds: QueueBounds, retention: Retention): Engine {
  if (url === 'memory:') return new MemoryQueue(bounds, retention)
  throw badOption('queue', "'memory:'", url)
}
