import type { Counter, Histogram } from 'prom-client'
import { localPool } from '../core/pool.ts'

/** How many tasks, each in its queue, and how many queues have series of their own; a scrape is the longer for each. */
const most = { tasks: 200, queues: 50 }
/** What all later ones are called. */
const other = 'other'

const outcomes = ['succeeded', 'failed', 'retried', 'cancelled', 'interrupted', 'dropped'] as const
export type Outcome = (typeof outcomes)[number]

/** What the tasks of one name in one queue are counted by. */
export type Series = Record<Outcome, Counter.Internal> & { duration: Histogram.Internal<string> }

interface Queue {
  label: string
  wait: Histogram.Internal<string>
  tasks: Map<string, Series>
}

interface Instruments {
  total: Counter
  duration: Histogram
  wait: Histogram
}

/** The series of each task, made when it is first told of and kept, for looking them up by their labels is slow. */
export class TaskSeries {
  readonly #instruments: Instruments
  readonly #queues = new Map<string, Queue>()
  #count = 0

  constructor(instruments: Instruments) {
    this.#instruments = instruments
  }

  queue(pool: string): Queue {
    const known = this.#queues.get(pool)
    if (known !== undefined) return known
    const label = this.#queues.size < most.queues ? pool : other
    let queue = this.#queues.get(label)
    if (queue === undefined) {
      queue = { label, wait: this.#instruments.wait.labels({ queue: label }), tasks: new Map() }
      this.#queues.set(label, queue)
    }
    return queue
  }

  /** Local functions are many and their names anything: all are one task. */
  of({ name, pool }: { name: string; pool: string }): Series {
    const { label, tasks } = this.queue(pool)
    const isLocal = pool === localPool
    const known = tasks.get(isLocal ? localPool : name)
    if (known !== undefined) return known
    const task = isLocal ? localPool : this.#count < most.tasks ? name : other
    let series = tasks.get(task)
    if (series === undefined) {
      this.#count++
      tasks.set(task, (series = this.#begin(task, label)))
    }
    return series
  }

  /** Every outcome is there as 0 from the first start on, so that a rate sees the first of each. */
  #begin(task: string, queue: string): Series {
    const { total, duration } = this.#instruments
    const counters = outcomes.map((outcome) => {
      const counter = total.labels({ task, queue, outcome })
      counter.inc(0)
      return [outcome, counter] as const
    })
    const ofOutcome = Object.fromEntries(counters) as Record<Outcome, Counter.Internal>
    return { ...ofOutcome, duration: duration.labels({ task, queue }) }
  }
}
