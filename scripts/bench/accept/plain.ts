import type { ListeningSystem } from '../harness/system-module.ts'
import { startApp } from './app.ts'

/** Plain Koa. */
export function start(): Promise<ListeningSystem> {
  return startApp({})
}
