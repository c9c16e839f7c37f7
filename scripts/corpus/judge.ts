import { decodeValue } from '../../src/core/value.ts'
import type { Observation, Trial } from './trial.ts'

/** What must not be exceeded; bytes. */
export interface Limits {
  /** Resident memory over that of the idle process. */
  memory: number
  /** Of a result as it is stored. */
  result: number
}

export const limits: Limits = { memory: 600 * 1024 ** 2, result: 1024 ** 2 }

/** What a file did that no file may do. */
export interface Offence {
  /** A word to count by. */
  rule: Rule
  /** What was expected, and what happened. */
  why: string
}

export type Rule =
  | 'process'
  | 'thread'
  | 'timeout'
  | 'code'
  | 'memory'
  | 'stored'
  | 'size'
  | 'repeated'
  | 'left'
  | 'digest'
  | 'leak'
  | 'printed'
  | 'error'

/** The codes of failures that say that a thread ended, not that the task did. */
const threadLost = new Set([
  'AFTERWORK_WORKER_EXITED',
  'AFTERWORK_THREW_LATE',
  'AFTERWORK_OUT_OF_MEMORY',
  'AFTERWORK_CRASHED_PROCESS',
  'AFTERWORK_INTERRUPTED',
])

/** Everything that is wrong with what a file did; `codes` are those that docs/files.md explains. */
export function judge(
  trial: Trial,
  codes: ReadonlySet<string>,
  { memory, result }: Limits = limits,
): Offence[] {
  const { seen, exit } = trial
  const offences: Offence[] = []
  const accuse = (rule: Rule, why: string) => offences.push({ rule, why })
  if (exit !== null) accuse('process', `Expected the process to live on, got one that ${exit}`)
  if (trial.printed !== '') accuse('printed', `Expected nothing to be printed, got ${quote(trial.printed)}`)
  if (seen === null) return offences

  for (const code of seen.interruptions)
    accuse('thread', `Expected one attempt, got one interrupted by ${code}`)
  for (const error of seen.errors) accuse('error', `Expected no error of afterwork's own, got: ${error}`)
  if (seen.error !== null) judgeFailure(seen.error, codes, accuse)
  else judgeResult(seen, result, accuse)

  const grown = seen.peak - seen.idle
  if (grown > memory)
    accuse('memory', `Expected at most ${megabytes(memory)} over the idle process, got ${megabytes(grown)}`)
  const strays = seen.names.filter((name) => !isExpected(seen, name))
  if (strays.length > 0)
    accuse('left', `Expected the file and its variants only, got ${strays.slice(0, 5).join(', ')}`)
  const texts = [seen.error?.message ?? '', seen.result ?? '']
  if (texts.some((text) => text.includes(seen.folder)))
    accuse('leak', 'Expected no path of ours in a message or result, got one')
  return offences
}

function judgeFailure(
  { code, message }: NonNullable<Observation['error']>,
  codes: ReadonlySet<string>,
  accuse: (rule: Rule, why: string) => void,
): void {
  const told = `${code ?? 'no code'} (${quote(message)})`
  if (code === 'AFTERWORK_TIMED_OUT') accuse('timeout', `Expected an end in time, got ${told}`)
  else if (code !== null && threadLost.has(code))
    accuse('thread', `Expected a thread that lives on, got ${told}`)
  else if (code === 'AFTERWORK_BAD_VALUE')
    accuse('stored', `Expected a result that can be stored, got ${told}`)
  else if (code === null || !codes.has(code))
    accuse('code', `Expected a failure with a code of docs/files.md, got ${told}`)
}

function judgeResult(seen: Observation, maxResult: number, accuse: (rule: Rule, why: string) => void): void {
  if (seen.state !== 'succeeded' || seen.result === null)
    return accuse('stored', `Expected a result, got a task that is ${seen.state} without one`)
  const bytes = Buffer.byteLength(seen.result)
  if (bytes > maxResult) accuse('size', `Expected a result of at most ${maxResult} bytes, got ${bytes}`)
  const { size, sha256 } = decodeValue(seen.result) as { size?: unknown; sha256?: unknown }
  if (size !== seen.size || sha256 !== seen.sha256)
    accuse(
      'digest',
      `Expected ${seen.size} bytes and ${seen.sha256}, got ${String(size)} and ${String(sha256)}`,
    )
  if (seen.resultAgain !== undefined && seen.resultAgain !== seen.result)
    accuse(
      'repeated',
      `Expected the same result twice, got ${firstDifference(seen.result, seen.resultAgain)}`,
    )
}

/** The file itself, and the variants that its result names; a failed task may leave whole variants, never halves. */
function isExpected(seen: Observation, name: string): boolean {
  if (name === seen.id) return true
  if (!name.startsWith(`${seen.id}.`) || name.endsWith('.tmp')) return false
  if (seen.result === null) return true
  const { variants } = decodeValue(seen.result) as { variants?: { name: string }[] }
  return variants?.some((variant) => `${seen.id}.${variant.name}` === name) ?? false
}

function firstDifference(first: string, second: string | null): string {
  if (second === null) return 'a failure the second time'
  let at = 0
  while (first[at] === second[at]) at++
  const around = (text: string) => text.slice(Math.max(0, at - 40), at + 40)
  return `${quote(around(first))} and then ${quote(around(second))}`
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}...` : text)
}
