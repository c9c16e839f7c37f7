import { table } from '../bench/harness/table.ts'
import type { CorpusFile } from './file.ts'
import { megabytes, type Offence } from './judge.ts'
import type { Trial } from './trial.ts'

/** Offenders that are shown in full at most. */
const shown = 100

/** What became of one file. */
export interface Verdict {
  trial: Trial
  offences: Offence[]
  /** Where an offender was kept that is not a file of the cache, so that it can be tried alone. */
  kept: string | null
}

/** Files, ends, the slowest and the largest by source and group. */
export function summary(verdicts: readonly Verdict[]): string[] {
  const rows = Map.groupBy(verdicts, ({ trial: { file } }) =>
    [`${file.source}${file.mutation === undefined ? '' : ' damaged'}`, file.group].join(' / '),
  )
  const head = ['source / kind', 'files', 'succeeded', 'failed', 'offences', 'slowest', 'most memory']
  const keys = [...rows.keys()].toSorted()
  return table([head, ...keys.map((key) => row(key, rows.get(key)!)), row('all', verdicts)])
}

function row(key: string, verdicts: readonly Verdict[]): string[] {
  const seen = verdicts.flatMap(({ trial }) => trial.seen ?? [])
  const slowest = Math.max(0, ...seen.map(({ duration }) => duration))
  const most = Math.max(0, ...seen.map(({ peak, before }) => peak - before))
  return [
    key,
    String(verdicts.length),
    String(seen.filter(({ state }) => state === 'succeeded').length),
    String(seen.filter(({ state }) => state === 'failed').length),
    String(verdicts.filter(({ offences }) => offences.length > 0).length),
    `${(slowest / 1_000).toFixed(2)} s`,
    megabytes(most),
  ]
}

/** How often files failed by each code. */
export function codesTable(verdicts: readonly Verdict[]): string[] {
  const counts = new Map<string, number>()
  for (const { trial } of verdicts) {
    const code = trial.seen?.error?.code
    if (code !== undefined && code !== null) counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  const rows = [...counts].toSorted(([, a], [, b]) => b - a).map(([code, count]) => [code, String(count)])
  return rows.length === 0 ? [] : table([['failed by', 'files'], ...rows])
}

/** The slowest and the hungriest files, for those who look for the next fault. */
export function extremes(verdicts: readonly Verdict[], count = 5): string[] {
  const seen = verdicts.flatMap(({ trial }) =>
    trial.seen === null ? [] : [{ file: trial.file, ...trial.seen }],
  )
  const slowest = seen.toSorted((a, b) => b.duration - a.duration).slice(0, count)
  const hungriest = seen.toSorted((a, b) => b.peak - b.before - (a.peak - a.before)).slice(0, count)
  return [
    ...slowest.map(({ file, duration }) => `slow    ${(duration / 1_000).toFixed(2)} s  ${nameOf(file)}`),
    ...hungriest.map(({ file, peak, before }) => `memory  ${megabytes(peak - before)}  ${nameOf(file)}`),
  ]
}

/** Each offender, what it did, and how to try it alone. */
export function offenceLines(verdicts: readonly Verdict[]): string[] {
  const guilty = verdicts.filter(({ offences }) => offences.length > 0)
  const lines = guilty
    .slice(0, shown)
    .flatMap(({ trial, offences, kept }) => [
      nameOf(trial.file),
      ...offences.map(({ rule, why }) => `    ${rule}: ${why}`),
      `    npm run corpus -- --file ${quoted(kept ?? trial.file.path)}`,
    ])
  return guilty.length > shown ? [...lines, `and ${guilty.length - shown} more`] : lines
}

/** A file as the report calls it. */
export function nameOf({ path, mutation }: CorpusFile): string {
  return mutation === undefined ? path : `${path} (damaged: ${mutation.kind}, seed ${mutation.seed})`
}

function quoted(path: string): string {
  return /^[\w./+@:-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
