import type { Observed } from './cluster.ts'
import { runtime } from './constants.ts'
import type { Hardware } from './scenario.ts'

/** Something that there is only so much of. */
export interface Resource {
  name: string
  /** The share that is used, of 1. */
  used: (observed: Observed, hardware: Hardware) => number
  /** Past this share it is called broken: what is busy nearly always has a line of waiting before it. */
  capacity: number
  /** What to do then, the first thing first. */
  advice: readonly string[]
}

const busy = 0.9

export const resources: readonly Resource[] = [
  {
    name: 'processors of the database',
    used: ({ used }) => used.cores,
    capacity: busy,
    advice: [
      'more processors for the database: claims, commits and notifications spread over them well',
      'fewer, larger machines: each listener is woken by each announcement, so that costs grow with tasks times machines',
      'request processes (serve --no-work) apart from few large workers: only those claim',
      'add tasks together where that is possible: a request that adds ten costs little more than one that adds one',
      'a database for each tenant or kind of work',
    ],
  },
  {
    name: 'commits that announce',
    used: ({ used }) => used.notifyLock,
    capacity: busy,
    advice: [
      'a disk that syncs faster: each such commit has it for itself',
      'more tasks in each release: while one is on its way, those that come share the next, so this bends before it breaks',
      'a database for each tenant or kind of work: the lock is one for each server, so also a server for each',
    ],
  },
  {
    name: 'bandwidth of the log',
    used: ({ log }, { bandwidth }) => log / (bandwidth * 1_000),
    capacity: busy,
    advice: [
      'smaller arguments: put what is large into a stored file, and its name into the task',
      'wal_compression = lz4 and a longer checkpoint_timeout, for fewer whole pages in the log',
      'a disk of its own for the log',
    ],
  },
  {
    name: 'connections',
    used: ({ machines }, { maxConnections }) => (machines * runtime.connections.value) / maxConnections,
    capacity: 1,
    advice: [
      'a larger max_connections, as far as there are 6 MB of memory for each',
      'fewer, larger processes',
      'PgBouncer in session mode spares nothing; in transaction mode there is no LISTEN, and tasks wait for the next poll',
    ],
  },
  {
    name: 'lock of a limited name',
    used: ({ used }) => used.limitLock,
    capacity: busy,
    advice: [
      'no limit for what needs none: each claim of a limited name waits for the commit of the one before',
      'several names, each with a part of the limit',
      'a pool of its own on few machines, whose size is the limit',
    ],
  },
  {
    name: 'threads',
    used: ({ used }) => used.threads,
    capacity: busy,
    advice: ['more machines, or more threads on each: the queue does not lack anything'],
  },
  {
    name: 'a process',
    used: ({ processCores }) => processCores,
    capacity: busy,
    advice: ['a second process on each machine'],
  },
]

/** Those that are used past their capacity, the one that is furthest past it first. */
export function broken(observed: Observed, hardware: Hardware): Resource[] {
  const excess = (resource: Resource): number => resource.used(observed, hardware) / resource.capacity
  return resources.filter((one) => excess(one) > 1).sort((a, b) => excess(b) - excess(a))
}
