import type { StartedSystem } from '../harness/system-module.ts'
import { fill, openEngine } from './engine.ts'

/** What is to be filled, and with how many tasks. */
export interface FillParameters {
  url: string
  waiting: number
}

/** The process that fills queues for others; it closes each, so that its files can be copied. */
export async function start(): Promise<StartedSystem> {
  async function fillQueue({ url, waiting }: FillParameters): Promise<object> {
    const engine = await openEngine(url)
    await fill(engine, waiting)
    await engine.close()
    return {}
  }
  return { answers: { fill: fillQueue } }
}
