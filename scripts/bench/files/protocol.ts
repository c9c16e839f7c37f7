/** What a system is asked to do. */
export interface FileParameters {
  /** What is made of the file goes beside it. */
  path: string
  times: number
}

/** What it took, a time. */
export interface FileCost {
  /** Seconds of all threads. */
  cpu: number
  /** Seconds. */
  wall: number
  /** The most memory its process ever had, in bytes; null where it is not known, and for a process of its own. */
  peak: number | null
}

/** Does once what is measured; gives the CPU seconds of a process of its own where that does it. */
export type FileWork = (path: string) => Promise<number | void>
