import { join } from 'node:path'
import { pino } from 'pino'
import { readConfig } from '../../../src/service/config.ts'
import { startService } from '../../../src/service/service.ts'
import type { ListeningSystem } from '../harness/system-module.ts'
import { storedIn, type UploadOptions } from './protocol.ts'

/** The service as it is started by `npm start`; with `paused` its tasks wait, and only the upload is measured. */
export async function start({ folder, paused }: UploadOptions): Promise<ListeningSystem> {
  const args = { data: folder, port: 0, 'max-queued': 10_000_000, 'max-queued-bytes': '4GB', drain: 0 }
  const config = readConfig(
    Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]),
    {},
  )
  const service = await startService(config, pino({ level: 'silent' }))
  if (paused) await service.afterwork.pausePool('cpu')
  return {
    port: Number(new URL(service.url).port),
    answers: { stored: () => storedIn(join(folder, 'files')) },
    stop: () => service.stop(),
  }
}
