import { badOption } from '../../core/errors.ts'
import { taskStates, type TaskState } from '../../core/task.ts'
import type { Action, Changed, Operator, ShownTask } from '../operator/operator.ts'
import type { Command, Session } from '../operator/session.ts'
import { tasksOf } from '../output/human.ts'
import { jsonText, print, tell, terminalWidth } from '../output/print.ts'
import { table } from '../output/table.ts'
import { confirm } from './confirm.ts'
import { beforeOf, idsOf, pages, stateOf } from './filter.ts'

/** What an action is about: the states in which it can be done, and those that it takes where none is named. */
const actions: Record<Action, { done: string; can: readonly TaskState[]; usual: readonly TaskState[] }> = {
  // One that somebody cancelled is not run again by a sweep.
  retry: { done: 'retried', can: ['failed', 'cancelled'], usual: ['failed'] },
  cancel: { done: 'cancelled', can: taskStates.slice(0, 3), usual: taskStates.slice(0, 3) },
  purge: { done: 'purged', can: taskStates.slice(3), usual: taskStates.slice(3) },
}

interface Chosen {
  state: TaskState | undefined
  name: string | undefined
  before: number | undefined
}

type Asked = { ids: string[]; yes: boolean } | { chosen: Chosen; yes: boolean }

/** `afterwork tasks retry`, `cancel` or `purge`: of tasks by their ids, or of all that a filter finds. */
export function change(action: Action): Command<Asked> {
  const name = `tasks ${action}`
  return {
    name,
    spec: { state: 'string', name: 'string', before: 'string', yes: 'boolean' },
    read(flags) {
      const yes = flags.has('yes')
      const ids = idsOf(flags)
      const filter = ['state', 'name', 'before'].find((flag) => flags.has(flag))
      if (ids.length > 0 && filter !== undefined)
        throw badOption(`afterwork ${name}`, 'ids or a filter, not both', `--${filter}`)
      if (ids.length > 0) return { ids, yes }
      if (filter === undefined)
        throw badOption(`afterwork ${name}`, 'ids, or a filter: --state, --name or --before', undefined)
      const state = stateOf(flags, actions[action].can)
      return { chosen: { state, name: flags.text('name'), before: beforeOf(flags, Date.now()) }, yes }
    },
    async run(session, asked) {
      if ('ids' in asked)
        return await report(session, action, await session.operator.change(action, asked.ids))
      const ids = await find(session.operator, action, asked.chosen)
      const what = tasksOf(ids.length, asked.chosen.state)
      if (
        ids.length > 0 &&
        !asked.yes &&
        !(await confirm(`${action} ${what} of ${session.operator.source}?`))
      ) {
        tell('nothing was changed')
        process.exitCode = 1
        return
      }
      await report(session, action, await session.operator.change(action, ids))
    },
  }
}

/** What the filter finds now; what comes later is not concerned. */
async function find(operator: Operator, action: Action, { state, name, before }: Chosen): Promise<string[]> {
  const ids: string[] = []
  for (const one of state === undefined ? actions[action].usual : [state])
    for await (const tasks of pages(operator, { state: one, name }))
      for (const task of tasks) if (isBefore(task, before)) ids.push(task.id)
  return [...new Set(ids)]
}

/** An ended task is as old as its end, any other as old as itself. */
function isBefore({ addedAt, endedAt }: ShownTask, before: number | undefined): boolean {
  return before === undefined || Date.parse(endedAt ?? addedAt) < before
}

/** How many were done, and which were not, with the reason. */
async function report({ flags }: Session, action: Action, changed: readonly Changed[]): Promise<void> {
  const failed = changed.filter((one) => !one.done)
  const done = changed.length - failed.length
  if (failed.length > 0) process.exitCode = 1
  const named = failed.map(({ id, code, message }) => ({ id, code, message }))
  if (flags.json) return await print(`${jsonText({ action, done, failed: named }, 2)}\n`)
  const asked = action === 'cancel' ? changed.filter((one) => one.done && one.state === 'running').length : 0
  await print(
    `${tasksOf(done)} ${actions[action].done}${asked > 0 ? `, ${asked} of them asked to stop` : ''}\n`,
  )
  if (failed.length === 0) return
  tell(`${tasksOf(failed.length)} not ${actions[action].done}`)
  const rows = named.map(({ id, code, message }) => [id, code, message])
  const columns = [{ heading: 'ID' }, { heading: 'CODE' }, { heading: 'WHY', flexible: true }]
  process.stderr.write(table(columns, rows, process.stderr.isTTY ? terminalWidth() : undefined))
}
