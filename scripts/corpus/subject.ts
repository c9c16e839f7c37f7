/**
 * A process with the real thing inside: queue, thread, the service's tasks. It tries one file at a time, in the folder that
 * its only argument names.
 */
import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createAfterwork } from '../../src/index.ts'
import type { StoredFile } from '../../src/core/stored-file.ts'
import { hasEnded, type TaskRecord } from '../../src/core/task.ts'
import { tasks } from '../../src/service/tasks.ts'
import type { Observation, Request } from './trial.ts'

/** Milliseconds between two looks at the memory, beside the kernel's own high-water mark. */
const lookEvery = 20

const afterwork = createAfterwork({
  tasks,
  queue: 'memory:',
  pools: { cpu: { minThreads: 1, maxThreads: 1, nice: 0 } },
  files: process.argv[2]!,
  logger: false,
})
afterwork.files.prepare()
await afterwork.start()

const ended = new Map<string, () => void>()
let interruptions: string[] = []
let errors: string[] = []
for (const name of ['task.succeeded', 'task.failed', 'task.cancelled'] as const)
  afterwork.on(name, ({ id }) => ended.get(id)?.())
for (const name of ['task.interrupted', 'task.retried'] as const)
  afterwork.on(name, ({ failure }) => interruptions.push(failure.code ?? failure.message))
afterwork.on('afterwork.error', ({ error, during }) => errors.push(`${during}: ${error.message}`))

let peak = 0
setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), lookEvery).unref()
const idle = process.memoryUsage.rss()

process.on('message', (request: Request) => {
  void observe(request).then((observation) => process.send!(observation))
})
process.once('disconnect', () => {
  void afterwork.stop().then(() => process.exit())
})
process.send!('ready')

async function observe({ path, name, timeout, again }: Request): Promise<Observation> {
  const file = await store(path, name)
  const content = await readFile(path)
  ;[interruptions, errors] = [[], []]
  const before = process.memoryUsage.rss()
  const highest = process.resourceUsage().maxRSS
  peak = before
  const record = await run(file, timeout)
  const duration = record.endedAt! - (record.startedAt ?? record.endedAt!)
  const names = await readdir(afterwork.files.folder)
  const second = again && record.state === 'succeeded' ? await run(file, timeout) : undefined
  const now = process.resourceUsage().maxRSS
  const observation: Observation = {
    id: file.id,
    folder: afterwork.files.folder,
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    state: record.state as Observation['state'],
    error: record.error && {
      code: record.error.code ?? null,
      message: record.error.message,
      stack: describe(record.error),
    },
    result: record.result,
    ...(second !== undefined && { resultAgain: second.result }),
    interruptions,
    errors,
    duration,
    idle,
    before,
    // The kernel's mark is exact, but says something only when it has risen; it counts kilobytes.
    peak: Math.max(peak, process.memoryUsage.rss(), now > highest ? now * 1024 : 0),
    descriptors: await descriptors(),
    names: [...new Set([...names, ...(await readdir(afterwork.files.folder))])],
  }
  for (const left of observation.names) await rm(join(afterwork.files.folder, left), { force: true })
  return observation
}

async function store(path: string, name: string): Promise<StoredFile> {
  const id = afterwork.files.newId()
  const target = join(afterwork.files.folder, id)
  await copyFile(path, target)
  const { size } = await stat(target)
  return { id, name: name.slice(-255), type: 'application/octet-stream', size, path: target }
}

async function run(file: StoredFile, timeout: number): Promise<TaskRecord> {
  const { id } = await afterwork.addTask(tasks.files.processFile.with({ timeout }), file)
  const end = new Promise<void>((resolve) => ended.set(id, resolve))
  const record = await afterwork.records.get(id)
  if (!hasEnded(record!.state)) await end
  ended.delete(id)
  return (await afterwork.records.get(id))!
}

function describe(failure: NonNullable<TaskRecord['error']>): string {
  const cause = failure.cause === undefined ? '' : `\n  because ${describe(failure.cause)}`
  return `${failure.stack ?? failure.message}${cause}`
}

async function descriptors(): Promise<number | null> {
  const names = await readdir('/proc/self/fd').catch(() => null)
  return names && names.length
}
