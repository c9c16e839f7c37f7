import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { listen, startAfterwork } from '../support/app.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'

type Line = Record<string, any>

/** An app whose log is kept in memory. */
async function logged(t: ExecutionContext, level = 'info') {
  const lines: Line[] = []
  const logger = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const running = await startAfterwork(t, { logger })
  return { ...running, lines, of: (id: string) => lines.filter((line) => line['id'] === id) }
}

const levels = { info: 30, warn: 40, error: 50 }

test('a task is logged as started and as completed, with its duration', async (t) => {
  const { afterwork, events, of } = await logged(t)
  const { id } = await afterwork.addTask(tasks.steps.echo)
  await events.ended(id)
  const [started, completed, ...more] = of(id) as [Line, Line]
  t.like(started, { level: levels.info, msg: 'task started', task: 'steps.echo', attempt: 1 })
  t.like(completed, { level: levels.info, msg: 'task completed', task: 'steps.echo', attempt: 1 })
  t.true(started['waited'] >= 0)
  t.true(completed['duration'] >= 0 && completed['duration'] < 20_000)
  t.true(completed['thread'] > 0)
  t.deepEqual(more, [])
})

test('a failed task is logged with the stack of its error, from the file where it was thrown', async (t) => {
  const { afterwork, events, of } = await logged(t)
  const { id } = await afterwork.addTask(tasks.steps.fail, 'on purpose')
  await events.ended(id)
  const failed = of(id).at(-1)!
  t.like(failed, { level: levels.error, msg: 'task failed', task: 'steps.fail', attempt: 1 })
  t.like(failed['err'], { message: 'on purpose', code: 'TEST_FAILED', secret: 'a detail' })
  t.regex(failed['err'].stack, /^RangeError: on purpose\n\s+at fail \(.*steps\.ts:\d+:\d+\)/)
})

test('a task that will be retried is logged as a warning that says when', async (t) => {
  const { afterwork, events, of } = await logged(t)
  const { id } = await afterwork.addTask(
    tasks.steps.fail.with({ retries: 1, backoff: { first: '1h' } }),
    'again',
  )
  await events.until('task.retried')
  const retried = of(id).at(-1)!
  t.like(retried, { level: levels.warn, msg: 'task failed, will be retried', attempt: 1 })
  t.true(Date.parse(retried['retryAt']) > Date.now())
  t.regex(retried['err'].stack, /again/)
})

test('what a task logs itself carries its id, name and attempt, whatever its fields say', async (t) => {
  const { afterwork, events, of } = await logged(t)
  const { id } = await afterwork.addTask(tasks.steps.report, 'half time')
  await events.ended(id)
  t.deepEqual(
    of(id).map(({ msg }) => msg),
    ['task started', 'at half time', 'task completed'],
  )
  t.like(of(id)[1], { level: levels.warn, task: 'steps.report', attempt: 1, step: 'half time' })
})

test('a task that is dropped with its request is a warning that says why', async (t) => {
  const { afterwork, lines } = await logged(t)
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => void ctx.background.addTask(tasks.steps.echo)),
  )
  await send(url)
  t.like(lines, [
    {
      level: levels.warn,
      msg: 'task dropped with its request',
      task: 'steps.echo',
      reason: 'the answer was 404: no body or status was set',
    },
  ])
})

test('a local function that fails is logged like any task', async (t) => {
  const { afterwork, events, of } = await logged(t)
  let id = ''
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      ;({ id } = ctx.background.addLocal(function auditLine() {
        throw new Error('no audit')
      }))
      ctx.status = 204
    }),
  )
  await send(url)
  await events.until('task.failed')
  const failed = of(id).at(-1)!
  t.like(failed, { level: levels.error, msg: 'task failed', task: 'local.auditLine', thread: 0 })
  t.regex(failed['err'].stack, /no audit\n\s+at auditLine/)
})

test('a listener that throws is an error in the log and stops no task', async (t) => {
  const { afterwork, events, lines } = await logged(t)
  afterwork.on('task.started', () => {
    throw new Error('a bad listener')
  })
  const { id } = await afterwork.addTask(tasks.steps.echo)
  t.is(await events.ended(id), 'succeeded')
  const line = lines.find(({ msg }) => msg === 'afterwork failed')!
  t.like(line, { level: levels.error, during: 'a listener of task.started' })
  t.is(line['err'].message, 'a bad listener')
})

test('a pool that a task pauses is one error that says what to do, by hand it is a warning', async (t) => {
  const { afterwork, events, lines } = await logged(t)
  await afterwork.addTask(tasks.steps.pauses)
  await events.until('task.interrupted')
  const paused = lines.filter(({ msg }) => msg.startsWith('pool paused'))
  t.like(paused, [{ level: levels.error, pool: 'cpu', err: { message: 'wrong password', code: 'WRONG' } }])
  t.regex(paused[0]!['msg'], /resume the pool/)
  await afterwork.pausePool('mail')
  t.like(lines.at(-1), { level: levels.warn, msg: 'pool paused', pool: 'mail', reason: 'by hand' })
})
