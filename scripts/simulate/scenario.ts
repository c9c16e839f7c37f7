/** What the tasks are like. */
export interface Load {
  /** Tasks that each machine takes in a second. */
  rate: number
  /** Milliseconds for which a task keeps its thread. */
  work: number
  /** Bytes of its arguments. */
  size: number
  /** Shares, of 1: tasks in a group of several, tasks with a unique key, tasks of one name with a limit. */
  grouped: number
  unique: number
  limited: number
}

/** What there is to carry them. */
export interface Hardware {
  /** Threads of each machine. */
  threads: number
  /** Processors of the database. */
  cores: number
  /** Milliseconds until its disk has a commit. */
  fsync: number
  /** Bytes a millisecond that its disk takes. */
  bandwidth: number
  /** Milliseconds to the database and back. */
  network: number
  maxConnections: number
  /** Whether NOTIFY is in the transaction that it tells of: then it is committed one at a time, see database.ts. */
  notifyInCommit: boolean
}

export interface Scenario {
  load: Load
  hardware: Hardware
  seed: number
}

/** A modest app on machines of four threads, and a database of eight cores on a disk over the network. */
export const defaults: Scenario = {
  load: { rate: 20, work: 100, size: 200, grouped: 0.1, unique: 0.05, limited: 0.05 },
  hardware: {
    threads: 4,
    cores: 8,
    fsync: 1,
    bandwidth: 200_000,
    network: 0.5,
    maxConnections: 500,
    notifyInCommit: false,
  },
  seed: 1,
}
