import { readFileSync } from 'node:fs'
import type { StartedSystem } from '../harness/system-module.ts'
import type { FileCost, FileParameters, FileWork } from './protocol.ts'

/** A system that does the same work as often as it is asked to, and tells what it took. */
export function fileSystem(work: FileWork): StartedSystem {
  return { answers: { work: (parameters: FileParameters) => measure(work, parameters) } }
}

async function measure(work: FileWork, { path, times }: FileParameters): Promise<FileCost> {
  const before = process.cpuUsage()
  const start = performance.now()
  let elsewhere: number | undefined
  for (let time = 0; time < times; time++) {
    const seconds = await work(path)
    if (typeof seconds === 'number') elsewhere = (elsewhere ?? 0) + seconds
  }
  const wall = (performance.now() - start) / 1_000
  const { user, system } = process.cpuUsage(before)
  return {
    cpu: (elsewhere ?? (user + system) / 1e6) / times,
    wall: wall / times,
    peak: elsewhere === undefined ? peakMemory() : null,
  }
}

/** On Linux only: the peak that getrusage() gives begins with what the parent process had. */
function peakMemory(): number | null {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  } catch {
    return null
  }
}
