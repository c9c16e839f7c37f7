import type { Benchmark } from './harness/benchmark.ts'
import type { ClosedResult } from './harness/closed-loop.ts'
import type { Load } from './harness/load.ts'
import type { RunningSystem } from './harness/system.ts'
import { formType, type BodyParameters } from './upload/bodies.ts'
import type { Stored, UploadOptions } from './upload/protocol.ts'

/** Bytes of the files, and seconds of uploads at each number of connections. */
export interface UploadSize {
  large: number
  small: number
  warmUp: number
  seconds: number
}

type UploadMeasure = 'large' | 'small, 16' | 'small, 32'

const service = import.meta.resolve('./upload/service.ts')

/** Where the service is, and what it takes; the raw server takes the file alone. */
const forms: Record<string, string | undefined> = {
  service: '/upload-file',
  paused: '/upload-file',
  fastapi: '/',
}

/** Each has libuv's threads as the service gives them to itself. */
const env = { UV_THREADPOOL_SIZE: '8' }

/** Uploads that are on the disk, with their names, when they are answered. */
export const upload: Benchmark<UploadSize, UploadMeasure> = {
  name: 'upload',
  description:
    'uploads that are on the disk when they are answered, large ones one at a time and small ones on 16 and 32 connections: POST /upload-file with its tasks running or paused, requests piped to files by node:http, UploadFile of FastAPI',
  systems: [
    { name: 'paused', module: service, env },
    { name: 'service', module: service, env },
    { name: 'raw', module: import.meta.resolve('./upload/raw.ts'), env },
    { name: 'fastapi', module: import.meta.resolve('./upload/fastapi.ts') },
  ],
  columns: [
    { measure: 'large', unit: 'MB/s' },
    { measure: 'small, 16', unit: '/s' },
    { measure: 'small, 32', unit: '/s' },
  ],
  sizes: {
    full: { large: 200_000_000, small: 10_000, warmUp: 1.5, seconds: 4 },
    quick: { large: 20_000_000, small: 10_000, warmUp: 0.3, seconds: 0.7 },
  },
  durable: true,

  async measure({ system: { name }, size, load, folder, start }) {
    const system = await start({ folder, paused: name === 'paused' } satisfies UploadOptions)
    const measure = (bytes: number, connections: number): Promise<number> =>
      measureUploads(load, system, { name, bytes, connections, size })
    return {
      'small, 16': await measure(size.small, 16),
      'small, 32': await measure(size.small, 32),
      large: ((await measure(size.large, 1)) * size.large) / 1e6,
    }
  },

  ratios: (of) => ({
    'paused / raw, large': of('paused', 'large') / of('raw', 'large'),
    'paused / raw, small, 16': of('paused', 'small, 16') / of('raw', 'small, 16'),
    'paused / raw, small, 32': of('paused', 'small, 32') / of('raw', 'small, 32'),
    'service / raw, large': of('service', 'large') / of('raw', 'large'),
    'service / raw, small, 16': of('service', 'small, 16') / of('raw', 'small, 16'),
    'service / raw, small, 32': of('service', 'small, 32') / of('raw', 'small, 32'),
    'paused / fastapi, large': of('paused', 'large') / of('fastapi', 'large'),
    'paused / fastapi, small, 32': of('paused', 'small, 32') / of('fastapi', 'small, 32'),
  }),
  // With its tasks the service does more than the others: that is there to be read.
  floors: {
    'paused / raw, large': { atLeast: 0.7 },
    'paused / raw, small, 16': { atLeast: 0.6 },
    'paused / raw, small, 32': { atLeast: 0.6 },
  },
}

/** One measurement. */
interface Uploads {
  name: string
  bytes: number
  connections: number
  size: UploadSize
}

/** Uploads a second; every one that was answered must be there as a whole. */
async function measureUploads(
  load: Load,
  system: RunningSystem,
  { name, bytes, connections, size: { warmUp, seconds } }: Uploads,
): Promise<number> {
  const form = forms[name]
  const requests = {
    url: system.url + (form ?? '/'),
    method: 'POST',
    headers: { 'content-type': form === undefined ? 'application/octet-stream' : formType },
    body: {
      module: import.meta.resolve('./upload/bodies.ts'),
      export: form === undefined ? 'raw' : 'form',
      parameters: { size: bytes } satisfies BodyParameters,
    },
    connections,
  }
  await load.closed({ ...requests, seconds: warmUp })
  const before = await system.ask<Stored>('stored')
  const seen: ClosedResult = await load.closed({ ...requests, seconds })
  const after = await system.ask<Stored>('stored')

  const { answered, failed, unanswered, rate } = seen
  if (failed + unanswered > 0)
    throw new Error(`Expected 202 to every upload, got ${failed} refusals and ${unanswered} without answer`)
  const stored = { files: after.files - before.files, bytes: after.bytes - before.bytes }
  if (stored.files !== answered || stored.bytes !== answered * bytes)
    throw new Error(
      `Expected ${answered} files of ${bytes} bytes, got ${stored.files} with ${stored.bytes} together`,
    )
  return rate
}
