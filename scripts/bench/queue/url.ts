import { join } from 'node:path'

/** Engines by what AFTERWORK_BENCH_QUEUE may say. */
const urls: Record<string, (folder: string) => string> = {
  'sqlite:': (folder) => `sqlite:${join(folder, 'queue.db')}`,
  // Keeps nothing; what the same way costs without a disk.
  'memory:': () => 'memory:',
}

/** The URL of the queue in a folder: sqlite: unless AFTERWORK_BENCH_QUEUE says memory:. */
export function queueUrl(folder: string): string {
  const engine = process.env['AFTERWORK_BENCH_QUEUE'] ?? 'sqlite:'
  const url = urls[engine]
  if (url !== undefined) return url(folder)
  throw new Error(`AFTERWORK_BENCH_QUEUE: Expected one of ${Object.keys(urls).join(', ')}, got ${engine}`)
}

/** Whether what is added there is still there in another process. */
export function isKept(url: string): boolean {
  return url !== 'memory:'
}
