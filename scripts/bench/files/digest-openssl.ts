import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { StartedSystem } from '../harness/system-module.ts'
import { findProgram } from '../work/peer.ts'
import { fileSystem } from './system.ts'

/** `times` of the shell: its own user and system time on the first line, those of what it ran on the second. */
const script = '"$@" && times'

/** `openssl dgst -sha256`. */
export async function start(): Promise<StartedSystem> {
  const openssl = findProgram('openssl')
  return fileSystem(async (path) => {
    const { stdout } = await promisify(execFile)('sh', ['-c', script, 'sh', openssl, 'dgst', '-sha256', path])
    const times = [
      ...stdout
        .trim()
        .split('\n')
        .at(-1)!
        .matchAll(/(\d+)m([\d.]+)s/g),
    ]
    if (times.length !== 2) throw new Error(`Expected two times of the shell, got ${stdout}`)
    return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
  })
}
