import type { Added, AddParameters, Found } from '../durable/protocol.ts'
import { setTimeout as wait } from 'node:timers/promises'
import { percentile } from '../harness/statistics.ts'
import type { RunningSystem } from '../harness/system.ts'
import type { DispatchParameters, Dispatched, Ends, Opened, Role, Starts } from './protocol.ts'

/** Starts a process of the system measured, on the database of this part. */
export type Begin = (role: Role) => Promise<RunningSystem>

/** Milliseconds to the start of a function in another process. */
export interface Dispatch {
  /** From the call of add. */
  p50: number
  p99: number
  /** From the acknowledgement of the add. */
  'p50 after': number
}

/** How often the processes are asked how many tasks have ended, in milliseconds. */
const glance = 50

/** How soon a task begins that is alone. */
export async function measureDispatch(
  begin: Begin,
  { warmUp, ...parameters }: DispatchParameters & { warmUp: number },
): Promise<Dispatch> {
  const worker = await begin('work')
  const adder = await begin('add')
  await worker.ask('open')

  async function dispatch(tasks: number): Promise<Dispatch> {
    const { sent } = await adder.ask<Dispatched>('dispatch', { ...parameters, tasks })
    const { starts } = await worker.ask<Starts>('starts', { ids: sent.map(({ id }) => id) })
    const from = (moment: 'called' | 'acknowledged'): Float64Array =>
      Float64Array.from(sent, (task, index) => starts[index]! - task[moment]).sort()
    const called = from('called')
    return {
      p50: percentile(called, 0.5),
      p99: percentile(called, 0.99),
      'p50 after': percentile(from('acknowledged'), 0.5),
    }
  }
  await dispatch(warmUp)
  return dispatch(parameters.tasks)
}

/** Adds acknowledged a second to one process while nobody works. */
export async function measureAdds(
  begin: Begin,
  { adders, warmUp, seconds }: AddParameters & { warmUp: number },
): Promise<number> {
  const adder = await begin('add')
  const before = await adder.ask<Added>('add', { adders, seconds: warmUp })
  const { added, rate } = await adder.ask<Added>('add', { adders, seconds })
  await adder.stop('SIGKILL')
  // An acknowledged task that is not there, even after the process was killed, makes the speed worthless.
  const { found } = await (await begin('add')).ask<Found>('waiting')
  const expected = before.added + added
  if (found !== expected) throw new Error(`Expected ${expected} tasks to wait, got ${found}`)
  return rate
}

/** Tasks ended a second by so many processes; all were added before the first of them begins. */
export async function measureBacklog(
  begin: Begin,
  { processes, warmUp, tasks }: { processes: number; warmUp: number; tasks: number },
): Promise<number> {
  const workers = await Promise.all(Array.from({ length: processes }, () => begin('work')))
  const adder = await begin('add')
  // What one of them does to the pool holds for all.
  const worker = workers[0]!

  async function ends(): Promise<Ends> {
    const all = await Promise.all(workers.map((each) => each.ask<Ends>('ends')))
    return {
      count: all.reduce((sum, { count }) => sum + count, 0),
      last: Math.max(...all.map(({ last }) => last)),
    }
  }
  async function work(tasks: number): Promise<number> {
    await worker.ask('pause')
    const before = await ends()
    await adder.ask('fill', { tasks })
    const { at } = await worker.ask<Opened>('open')
    let now = await ends()
    while (now.count < before.count + tasks) {
      await wait(glance)
      now = await ends()
    }
    const { found } = await adder.ask<Found>('waiting')
    if (found > 0) throw new Error(`Expected ${tasks} tasks to end, got ${found} that wait`)
    return (tasks * 1_000) / (now.last - at)
  }
  await work(warmUp)
  return work(tasks)
}
