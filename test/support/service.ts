import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { readConfig } from '../../src/service/config.ts'
import { startService, type Service } from '../../src/service/service.ts'
import type { Ending } from './endings.ts'
import { EventLog } from './events.ts'
import { temporaryFolder } from './folder.ts'

/** The service in this process, with a data folder of its own. */
export interface TestService extends Service {
  data: string
  events: EventLog
}

/** Starts the service on a free port; it ends with the test. */
export async function serve(
  ending: Ending,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<TestService> {
  const data = await temporaryFolder(ending)
  const standard = ['--port', '0', '--data', data, '--drain', '0', '--pool-max', '1']
  const config = readConfig([...standard, ...args], env, join(data, 'no-such.config.json'))
  const service = await startService(config, pino({ level: 'silent' }))
  ending.teardown(() => service.stop())
  return { ...service, data, events: new EventLog(service.afterwork) }
}

/** What a data folder holds beside the files of its queue. */
export async function namesIn(data: string): Promise<string[]> {
  const names = await readdir(data)
  return names.filter((name) => !name.startsWith('queue.db')).toSorted()
}
