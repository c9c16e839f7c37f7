import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Where a running service listens, for those who have its data folder. */
export interface ServiceFile {
  pid: number
  /** Of its machine; a data folder may be shared between several. */
  host: string
  url: string
}

/** Says in the data folder where this process listens; nobody else may read it. Throws the system's error. */
export function writeServiceFile(data: string, url: string): void {
  const file = fileIn(data)
  const written = `${file}.${process.pid}`
  writeFileSync(written, `${JSON.stringify({ pid: process.pid, host: hostname(), url: reachable(url) })}\n`, {
    mode: 0o600,
  })
  // Whoever reads meanwhile finds the old one or the new one.
  renameSync(written, file)
}

/** What the data folder says, however old; undefined where there is nothing of that form, or it is of another machine. */
export function readServiceFile(data: string): ServiceFile | undefined {
  try {
    const said = JSON.parse(readFileSync(fileIn(data), 'utf8')) as Partial<ServiceFile>
    const { pid, host = hostname(), url } = said
    const isPid = typeof pid === 'number' && Number.isInteger(pid) && pid > 0
    if (isPid && host === hostname() && URL.canParse(String(url))) return { pid, host, url: String(url) }
  } catch {
    // There is none, or it is not for us.
  }
  return undefined
}

/** Removes what this process wrote; another's stays. Never throws: whoever reads it knows an old one. */
export function removeServiceFile(data: string): void {
  try {
    if (readServiceFile(data)?.pid === process.pid) rmSync(fileIn(data), { force: true })
  } catch {
    // The next start writes another.
  }
}

function fileIn(data: string): string {
  return join(data, 'service.json')
}

/** Any address is no address to connect to. */
function reachable(url: string): string {
  const parsed = new URL(url)
  if (parsed.hostname === '0.0.0.0') parsed.hostname = '127.0.0.1'
  if (parsed.hostname === '[::]') parsed.hostname = '[::1]'
  return parsed.origin
}
