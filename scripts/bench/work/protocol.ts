/** What is run, and by how many adders at a time. */
export interface WorkParameters {
  tasks: number
  adders: number
}

/** What came of it. */
export interface Worked {
  /** From the first add until the last task has ended. */
  seconds: number
}

/** What the modules need to know. */
export interface WorkOptions {
  /** Of our queue. */
  url: string
  /** For the files of the peers. */
  folder: string
  /** Tasks at a time in each thread. */
  concurrency: number
}
