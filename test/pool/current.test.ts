import test from 'ava'
import { defineTasks } from '../../src/core/definition.ts'
import { currentTask, RunningTask } from '../../src/pool/worker/current.ts'

const catalog = {
  tasks: 'file:///app/tasks.ts',
  names: new Set<string>(),
  pools: new Set<string>(),
  teardown: false,
}
const envelope = { id: '1', attempt: 2, name: 'files.resize', args: '[]' }

test('outside a task it is a harmless nobody', (t) => {
  const task = currentTask()
  t.like(task, { id: '', name: '', attempt: 0 })
  t.false(task.signal.aborted)
  t.notThrows(() => {
    const { progress, log } = task
    progress(0.5, 'half')
    log.debug('a')
    log.info('b', { width: 5 })
    log.warn('c')
    log.error('d')
  })
})

test('inside a task it is that task, also after an await and beside another', async (t) => {
  const seen = await Promise.all(
    ['a', 'b'].map((id) =>
      new RunningTask({ ...envelope, id }, catalog).run(async () => {
        await new Promise(setImmediate)
        return currentTask().id
      }),
    ),
  )
  t.deepEqual(seen, ['a', 'b'])
  t.is(currentTask().id, '')
})

test('it adds to no transaction but that of its own outcome', (t) => {
  const { mail } = defineTasks(catalog.tasks, { mail: () => Promise.resolve({ send(): void {} }) })
  const client = { query: () => Promise.resolve({ rows: [] }) }
  const names = new Set(['mail.send'])
  const task = new RunningTask(envelope, { ...catalog, names, pools: new Set(['cpu']) })
  t.throws(() => task.run(() => currentTask().addTask(mail.send.with({ client }))), {
    code: 'AFTERWORK_BAD_OPTION',
    message:
      'mail.send.with({ client }): Expected `await afterwork.addTask(...)`, which alone can add to a transaction of yours, got currentTask().addTask(), which adds to the transaction of its own outcome',
  })
  t.is(task.followUps, undefined)
})

test('its signal is aborted with the reason when it is asked to stop', (t) => {
  const task = new RunningTask(envelope, catalog)
  const reason = new Error('the process stops')
  task.run(() => {
    const { signal, attempt } = currentTask()
    t.is(attempt, 2)
    t.notThrows(() => signal.throwIfAborted())
    task.stop(reason)
    t.is(
      t.throws(() => signal.throwIfAborted()),
      reason,
    )
  })
})

test('a signal that is asked for only after the task was told to stop is aborted, too', (t) => {
  const task = new RunningTask(envelope, catalog)
  const reason = new Error('the process stops')
  task.stop(reason)
  t.is(task.signal.reason, reason)
  t.is(task.signal, task.signal)
})

test('once it has ended it says nothing any more, whatever timers it left', (t) => {
  const task = new RunningTask(envelope, catalog)
  const { progress, log } = task
  progress(0.2)
  progress(0.4)
  log.info('at work')
  task.end()
  const { said } = task
  t.is(said, 3)
  progress(0.6)
  log.info('still here')
  task.progress(0.8)
  task.log.info('here again')
  t.is(task.said, said)
})
