import { AsyncLocalStorage } from 'node:async_hooks'
import Router from '@koa/router'
import {
  background,
  createAfterwork,
  type Afterwork,
  type AfterworkError,
  type EndedTask,
  type ErrorCode,
} from 'afterwork'
import test from 'ava'
import { decodeValue } from '../../src/core/value.ts'
import { listen, quick, startAfterwork } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import type { EventLog } from '../support/events.ts'
import { startGate, type Gate } from '../support/gate.ts'
import { send } from '../support/http.ts'
import { tasks } from '../support/tasks.ts'

const endings = new Endings()
let afterwork: Afterwork
let events: EventLog
let gate: Gate
test.before(async () => {
  ;({ afterwork, events } = await startAfterwork(endings))
  gate = await startGate(endings)
})
test.after.always(() => endings.run())

/** The error of a call that must throw one of ours. */
function errorOf(call: () => unknown): Pick<AfterworkError, 'code' | 'message' | 'status'> {
  try {
    call()
  } catch (error) {
    return error as AfterworkError
  }
  throw new Error('it did not throw')
}

/** When each task started, in the order in which they did. */
function startsOf(ids: readonly string[]): string[] {
  return events
    .of('task.started')
    .map(({ id }) => id)
    .filter((id) => ids.includes(id))
}

test('app middleware, router middleware, handler and what they call add to one list, run in that order', async (t) => {
  const added: { id: string; from: string }[] = []
  const add = (from: string) => added.push({ ...background().addTask(tasks.steps.echo, from), from })
  const deep = async () => {
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    add('a nested function')
  }
  const router = new Router()
  router.use(async (_ctx, next) => {
    add('router middleware')
    await next()
    add('router middleware, after next()')
  })
  router.get('/', async (ctx) => {
    added.push({ ...ctx.background.addTask(tasks.steps.echo, 'handler'), from: 'handler' })
    await deep()
    ctx.body = 'done'
  })
  const { url } = await listen(t, afterwork, (app) => {
    app.use(async (_ctx, next) => {
      add('app middleware')
      await next()
      add('app middleware, after next()')
    })
    app.use(router.routes())
  })

  t.is((await send(url)).text, 'done')
  const ids = added.map(({ id }) => id)
  await events.ended(ids.at(-1)!)
  t.deepEqual(
    added.map(({ from }) => from),
    [
      'app middleware',
      'router middleware',
      'handler',
      'a nested function',
      'router middleware, after next()',
      'app middleware, after next()',
    ],
  )
  t.deepEqual(startsOf(ids), ids)
  const records = await Promise.all(ids.map((id) => afterwork.records.get(id)))
  t.is(new Set(records.map((record) => record?.group)).size, 1)
})

test('two requests at the same time have each their own tasks', async (t) => {
  const groups: string[][] = []
  let arrived = 0
  let goOn = (): void => {}
  const both = new Promise<void>((resolve) => (goOn = resolve))
  const { url } = await listen(t, afterwork, (app) =>
    app.use(async (ctx) => {
      const ids = [ctx.background.addTask(tasks.steps.echo).id]
      if (++arrived === 2) goOn()
      await both
      ids.push(background().addTask(tasks.steps.echo).id)
      groups.push(ids)
      ctx.body = 'done'
    }),
  )
  await Promise.all([send(url), send(url)])
  const records = await Promise.all(groups.flat().map((id) => afterwork.records.get(id)))
  const [a, b, c, d] = records.map((record) => record?.group)
  t.is(a, b)
  t.is(c, d)
  t.not(a, c)
  await Promise.all(groups.flat().map((id) => events.ended(id)))
})

test('the next task of a request waits for the one before, whose failure does not stop it; unordered ones wait for nobody', async (t) => {
  const ids: string[] = []
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      ids.push(
        ctx.background.addTask(tasks.steps.pass, gate.url('ordered')).id,
        ctx.background.addTask(tasks.steps.fail, 'on purpose').id,
        ctx.background.addTask(tasks.steps.echo).id,
        ctx.background.addTask(tasks.steps.echo.with({ ordered: false })).id,
      )
      ctx.status = 202
    }),
  )
  await send(url)
  const [first, failing, last, unordered] = ids as [string, string, string, string]
  await gate.arrival('ordered')
  t.is(await events.ended(unordered), 'succeeded')
  t.deepEqual(startsOf([first, failing, last]), [first])
  t.is((await afterwork.records.get(last))?.state, 'queued')
  await gate.pass('ordered')
  t.is(await events.ended(last), 'succeeded')
  t.is(await events.ended(failing), 'failed')
  t.deepEqual(startsOf([first, failing, last]), [first, failing, last])
})

test('arguments are stored as they are when the task is added', async (t) => {
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      const given = { list: [1] }
      ctx.body = ctx.background.addTask(tasks.steps.echo, given).id
      given.list.push(2)
    }),
  )
  const { text: id } = await send(url)
  await events.ended(id)
  t.is((await afterwork.records.get(id))?.result, '[{"list":[1]}]')
})

test('no module of tasks is loaded on the main thread', async (t) => {
  const { id } = await afterwork.addTask(tasks.steps.place)
  await events.ended(id)
  const { result } = (await afterwork.records.get(id))!
  t.like(JSON.parse(result!), { isMainThread: false })
  t.is((globalThis as Record<symbol, unknown>)[Symbol.for('afterwork.test.loadedOnMain')], undefined)
})

test('what cannot be added is refused at once, with a code and a sentence that helps', async (t) => {
  const steps = tasks.steps as any
  let errors: ReturnType<typeof errorOf>[] = []
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      const { addTask } = ctx.background as unknown as { addTask: (...args: unknown[]) => unknown }
      errors = [
        errorOf(() => addTask(function writeLine() {})),
        errorOf(() => addTask({ name: 'steps.echo' })),
        errorOf(() => addTask(steps.eco)),
        errorOf(() => addTask(steps.echo, () => {})),
        errorOf(() => addTask(steps.echo, new Map())),
        errorOf(() => addTask(steps.echo.with({ pool: 'gpu' }))),
        errorOf(() => steps.echo.with({ retires: 3 })),
        errorOf(() => ctx.background.addLocal('not a function' as never)),
      ]
      ctx.status = 204
    }),
  )
  t.is((await send(url)).status, 204)
  const told = errors.map(({ code, message }) => [code, message] as const)
  const expected: [ErrorCode, RegExp][] = [
    ['AFTERWORK_BAD_TASK', /got function writeLine; for a plain function use addLocal\(fn, \.\.\.args\)/],
    ['AFTERWORK_BAD_TASK', /Expected a task from defineTasks\(\)/],
    ['AFTERWORK_UNKNOWN_TASK', /steps\.eco, did you mean "steps\.echo"\?/],
    ['AFTERWORK_BAD_VALUE', /argument 1 of steps\.echo: .* a function; .*addLocal/],
    ['AFTERWORK_BAD_VALUE', /an instance of Map; pass its data as a plain object/],
    ['AFTERWORK_BAD_OPTION', /Expected one of the pools cpu, mail, got gpu/],
    ['AFTERWORK_BAD_OPTION', /got "retires", did you mean "retries"\?/],
    ['AFTERWORK_BAD_VALUE', /addLocal\(\): Expected a function, got "not a function"/],
  ]
  for (const [index, [code, sentence]] of expected.entries()) {
    t.is(told[index]![0], code)
    t.regex(told[index]![1], sentence)
  }
})

test('background() outside a request throws, and says what to use there', (t) => {
  const { code, message } = errorOf(() => background())
  t.is(code, 'AFTERWORK_NO_REQUEST')
  t.regex(message, /outside a request; use `await afterwork\.addTask\(\.\.\.\)` there/)
})

test('tasks before start() and after stop() are refused with 503, in a request and elsewhere', async (t) => {
  const own = createAfterwork(quick)
  const { url } = await listen(t, own, (app) =>
    app.use((ctx) => {
      if (ctx.path === '/local') ctx.background.addLocal(() => t.fail('it must not run'))
      else ctx.background.addTask(tasks.steps.echo)
      ctx.status = 202
    }),
  )
  for (const path of ['/task', '/local']) {
    const answer = await send(url + path)
    t.is(answer.status, 503)
    t.like(answer.json, { code: 'AFTERWORK_NOT_STARTED' })
    t.regex(answer.json.detail, /call `await afterwork\.start\(\)` before app\.listen\(\)/)
  }
  await t.throwsAsync(async () => own.addTask(tasks.steps.echo), { code: 'AFTERWORK_NOT_STARTED' })

  await own.start()
  t.is((await send(`${url}/task`)).status, 202)
  await own.stop()
  for (const path of ['/task', '/local']) {
    const answer = await send(url + path)
    t.is(answer.status, 503)
    t.is(answer.headers['retry-after'], '1')
    t.like(answer.json, { code: 'AFTERWORK_STOPPED', detail: 'Tasks cannot be added after stop()' })
  }
  await t.throwsAsync(async () => own.addTask(tasks.steps.echo), { code: 'AFTERWORK_STOPPED' })
})

test('local functions, sync and async, run on the main loop after the response in their turn among the tasks', async (t) => {
  const happened: string[] = []
  const ids: string[] = []
  const story = new AsyncLocalStorage<string>()
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) =>
      story.run('of the request', () => {
        ctx.res.once('close', () => happened.push('closed'))
        ids.push(
          ctx.background.addTask(tasks.steps.echo).id,
          ctx.background.addLocal(
            (a: string, b: number) => void happened.push(`sync ${a} ${b} ${story.getStore()}`),
            'given',
            2,
          ).id,
          ctx.background.addLocal(async function slow() {
            await gate.arrival('beside local')
            happened.push('async')
          }).id,
          ctx.background.addTask(tasks.steps.echo).id,
          ctx.background.addTask(tasks.steps.pass.with({ ordered: false }), gate.url('beside local')).id,
        )
        ctx.status = 202
      }),
    ),
  )
  t.is((await send(url)).status, 202)
  t.is(await events.ended(ids[3]!), 'succeeded')
  t.deepEqual(happened, ['closed', 'sync given 2 of the request', 'async'])
  t.deepEqual(startsOf(ids.slice(0, 4)), ids.slice(0, 4))
  const ends = events.of('task.succeeded').filter(({ id }) => id === ids[1] || id === ids[2])
  t.deepEqual(
    ends.map(({ name, thread }) => [name, thread]),
    [
      ['local.anonymous', 0],
      ['local.slow', 0],
    ],
  )
  await gate.pass('beside local')
  await events.ended(ids[4]!)
})

test('a local function that throws or rejects is a failed task; the answer and the next in turn know nothing of it', async (t) => {
  const ids: string[] = []
  const { url, errors } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      ids.push(
        ctx.background.addLocal(() => {
          throw new RangeError('sync')
        }).id,
        ctx.background.addLocal(() => Promise.reject(new TypeError('async'))).id,
        ctx.background.addTask(tasks.steps.echo).id,
      )
      ctx.body = 'unharmed'
    }),
  )
  const answer = await send(url)
  t.deepEqual([answer.status, answer.text], [200, 'unharmed'])
  t.is(await events.ended(ids[2]!), 'succeeded')
  const failures = events.of('task.failed').filter(({ id }) => ids.includes(id))
  t.deepEqual(
    failures.map(({ failure }) => `${failure.name}: ${failure.message}`),
    ['RangeError: sync', 'TypeError: async'],
  )
  t.deepEqual(errors, [])
})

test('middleware has a task follow each one that is added behind it and has none of its own', async (t) => {
  const { echo, fail } = tasks.steps
  const own = echo.with({ onEnded: { task: echo, args: ['own'] } })
  let before: string
  const { url } = await listen(t, afterwork, (app) => {
    app.use(async (ctx, next) => {
      before = ctx.background.addTask(echo, 'before').id
      ctx.background.onEnded({ task: echo, args: ['of the request'], withArgs: false })
      await next()
    })
    app.use((ctx) => {
      const added = [
        ctx.background.addTask(echo, 'first'),
        ctx.background.addTask(fail, 'second'),
        ctx.background.addLocal(() => {}),
        ctx.background.addTask(own, 'own'),
      ]
      ctx.body = added.map(({ id }) => id)
    })
  })
  const ids = (await send(url)).json as string[]
  /** What was told of each task, in the order of the tasks. */
  const told = new Map<string, unknown[]>()
  for (let count = 1; told.size < 4; count++) {
    await events.until('task.succeeded', () => events.of('task.succeeded').length >= count)
    const { id } = events.of('task.succeeded')[count - 1]!
    const record = await afterwork.records.get(id)
    const isEcho = record?.name === echo.name && record.result !== null
    const [ended, ...further] = (isEcho ? decodeValue(record.result!) : []) as [EndedTask?, ...unknown[]]
    if (ended && ids.includes(ended.id)) told.set(ended.id, [ended.state, ended.args, ...further])
  }
  t.deepEqual(
    ids.map((id) => told.get(id)),
    [
      ['succeeded', [], 'of the request'],
      ['failed', [], 'of the request'],
      ['succeeded', [], 'of the request'],
      ['succeeded', ['own'], 'own'],
    ],
  )
  t.false(told.has(before!))
})

test('what is no task to follow others is refused at once', async (t) => {
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx) => {
      const { code, message } = errorOf(() => ctx.background.onEnded((() => {}) as never))
      ctx.body = { code, message }
    }),
  )
  const { code, message } = (await send(url)).json
  t.is(code, 'AFTERWORK_BAD_OPTION')
  t.regex(message, /^background\.onEnded\(\)\.onEnded: Expected a task/)
})
