import { badOption } from '../../core/errors.ts'
import type { TaskState } from '../../core/task.ts'
import { noWords } from '../flags.ts'
import type { ShownTask } from '../operator/operator.ts'
import type { Command, Session } from '../operator/session.ts'
import { ago, between, errorText, progressText } from '../output/human.ts'
import { jsonText, print, tell, terminalWidth } from '../output/print.ts'
import { table, type Column } from '../output/table.ts'
import { cursorOf, mostAtOnce, pages, stateOf, wholeOf } from './filter.ts'

const usualLimit = 50

const columns: Column[] = [
  { heading: 'ID' },
  { heading: 'NAME', flexible: true },
  { heading: 'STATE' },
  { heading: 'ATTEMPT', align: 'right' },
  { heading: 'ADDED' },
  { heading: 'TOOK', align: 'right' },
  { heading: 'DETAIL', flexible: true },
]

interface Asked {
  state: TaskState | undefined
  name: string | undefined
  cursor: string | undefined
  limit: number
  all: boolean
}

/** `afterwork tasks list`: one page of tasks, newest first, or all of them. */
export const list: Command<Asked> = {
  name: 'tasks list',
  spec: { state: 'string', name: 'string', cursor: 'string', limit: 'string', all: 'boolean' },
  read(flags) {
    noWords('tasks list', flags)
    const all = flags.has('all')
    if (all && flags.has('limit')) throw badOption('--all', 'no --limit beside it', flags.text('limit'))
    const limit = wholeOf(flags, 'limit', 1, mostAtOnce) ?? usualLimit
    return { state: stateOf(flags), name: flags.text('name'), cursor: cursorOf(flags), limit, all }
  },
  run: (session, asked) => (asked.all ? listAll(session, asked) : listPage(session, asked)),
}

async function listPage({ operator, flags }: Session, asked: Asked): Promise<void> {
  const { state, name, cursor, limit } = asked
  const page = await operator.list({
    ...(state !== undefined && { state }),
    ...(name !== undefined && { name }),
    ...(cursor !== undefined && { cursor }),
    limit,
  })
  if (flags.json) return await print(`${jsonText({ tasks: page.tasks, next: page.next }, 2)}\n`)
  await print(rowsOf(page.tasks))
  const width = terminalWidth()
  if (width !== undefined && page.tasks.length === 0) tell('no tasks')
  if (width !== undefined && page.next !== null) tell(`more with --cursor ${page.next}, or --all`)
}

/** Page by page, so that any number of tasks needs no more memory than a page. */
async function listAll({ operator, flags }: Session, asked: Asked): Promise<void> {
  let first = true
  for await (const tasks of pages(operator, asked)) {
    if (!flags.json) await print(rowsOf(tasks))
    else if (tasks.length > 0)
      await print((first ? '{"tasks":[\n' : ',\n') + tasks.map((task) => jsonText(task)).join(',\n'))
    first &&= tasks.length === 0
  }
  if (flags.json) await print(first ? '{"tasks":[],"next":null}\n' : '\n],"next":null}\n')
}

function rowsOf(tasks: readonly ShownTask[]): string {
  const width = terminalWidth()
  if (tasks.length === 0) return ''
  const now = Date.now()
  const rows = tasks.map((task) => [
    task.id,
    task.name,
    task.state,
    String(task.attempt),
    width === undefined ? task.addedAt : ago(task.addedAt, now),
    between(task.startedAt, task.state === 'running' ? null : (task.endedAt ?? task.startedAt), now),
    remark(task),
  ])
  return table(columns, rows, width)
}

function remark({ state, error, progress }: ShownTask): string {
  return error !== null && state !== 'succeeded'
    ? errorText(error)
    : state === 'succeeded'
      ? ''
      : progressText(progress)
}
