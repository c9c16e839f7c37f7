import { figure, table } from '../bench/harness/table.ts'
import type { Break, Forecast } from './forecast.ts'
import type { Scenario } from './scenario.ts'

const columns: readonly [head: string, unit: string, of: (forecast: Forecast) => string][] = [
  ['machines', '', ({ machines }) => String(machines)],
  ['added', '/s', ({ offered }) => figure(offered, 0)],
  ['ended', '/s', ({ ended }) => figure(ended, 0)],
  ['202 p50', 'ms', (one) => delay(one, one.acknowledged.p50)],
  ['p99', 'ms', (one) => delay(one, one.acknowledged.p99)],
  ['start p50', 'ms', (one) => delay(one, one.dispatched.p50)],
  ['p99', 'ms', (one) => delay(one, one.dispatched.p99)],
  ['database', '%', ({ used }) => percent(used.cores)],
  ['announcing', '%', ({ used }) => percent(used.notifyLock)],
  ['limit', '%', ({ used }) => percent(used.limitLock)],
  ['threads', '%', ({ used }) => percent(used.threads)],
  ['commits', '/s', ({ commits }) => figure(commits, 0)],
  ['log', 'MB/s', ({ log }) => figure(log / 1e6, 1)],
  ['connections', '', ({ connections }) => String(connections)],
  ['memory', 'GB', ({ memory }) => figure(memory / 1_000, 1)],
  ['woken', '/s', ({ wakes }) => figure(wakes, 0)],
  ['claims', '/s', ({ claims }) => figure(claims, 0)],
  ['empty', '%', ({ claims, emptyClaims }) => percent(emptyClaims / Math.max(claims, 1))],
  ['again', 's', ({ again }) => (again === undefined ? '-' : figure(again.p99, 1))],
  ['catch up', 'min', ({ catchUp }) => (Number.isFinite(catchUp) ? figure(catchUp, 1) : 'never')],
]

/** A report to read. */
export function reportLines(
  scenario: Scenario,
  forecasts: readonly Forecast[],
  breaks: readonly Break[],
): string[] {
  const { load, hardware, seed } = scenario
  const most = forecasts.at(-1)!.machines
  return [
    `Each machine: ${load.rate} tasks/s of ${load.work} ms and ${load.size} bytes, ${hardware.threads} threads; ` +
      `${percent(load.grouped)} % in groups, ${percent(load.unique)} % unique, ${percent(load.limited)} % of one limited name.`,
    `The database: ${hardware.cores} processors, a commit on disk after ${hardware.fsync} ms, ${hardware.network} ms away, ` +
      `${hardware.maxConnections} connections. Seed ${seed}.`,
    '',
    ...table([
      columns.map(([head]) => head),
      columns.map(([, unit]) => unit),
      ...forecasts.map((forecast) => columns.map(([, , of]) => of(forecast))),
    ]),
    '',
    'database, announcing, limit, threads: how busy the processors of the database are, the lock of commits that announce,',
    'the lock of the limited name, and the threads of the machines. >: delays grow, for more is added than ends.',
    'again: from the death of a machine until its tasks run again (all but one of a hundred deaths).',
    'catch up: after ten minutes in which requests were taken and nothing worked.',
    '',
    ...(breaks.length === 0 ? [`Nothing breaks up to ${machinesText(most)}.`] : breaks.flatMap(breakLines)),
  ]
}

/** The same, for programs. */
export function reportDocument(
  scenario: Scenario,
  forecasts: readonly Forecast[],
  breaks: readonly Break[],
): object {
  return {
    scenario,
    // JSON knows no Infinity.
    forecasts: forecasts.map((one) => ({
      ...one,
      catchUp: Number.isFinite(one.catchUp) ? one.catchUp : null,
    })),
    breaks: breaks.map(({ resource: { name, advice }, machines }) => ({ resource: name, machines, advice })),
  }
}

function breakLines({ resource: { name, advice }, machines }: Break, place: number): string[] {
  const from = `from ${machinesText(machines)} on`
  const line = place === 0 ? `First to break, ${from}: ${name}.` : `Then, ${from}: ${name}.`
  return [line, ...advice.map((sentence) => `  - ${sentence}`)]
}

/** Where more is added than ends, delays grow for as long as that goes on, and what was seen is the least. */
function delay({ offered, ended }: Forecast, ms: number): string {
  return `${ended < 0.95 * offered ? '>' : ''}${figure(ms, 1)}`
}

function machinesText(machines: number): string {
  return `${machines} ${machines === 1 ? 'machine' : 'machines'}`
}

function percent(share: number): string {
  return figure(share * 100, 0)
}
