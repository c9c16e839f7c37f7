import { createAfterwork, type Afterwork } from 'afterwork'
import test from 'ava'
import { listen, quick, startApp } from '../support/app.ts'
import { Endings } from '../support/endings.ts'
import { send } from '../support/http.ts'
import { tasks } from './tasks.ts'

const { busy, echo } = tasks.lives
const endings = new Endings()
let afterwork: Afterwork
test.before(async () => {
  afterwork = createAfterwork({ ...quick, tasks })
  endings.teardown(() => afterwork.stop())
  await afterwork.start()
})
test.after.always(() => endings.run())

/** Resolves when this task has succeeded. */
function success(added: { id: string } | Promise<{ id: string }>): Promise<void> {
  return new Promise((resolve, reject) => {
    let wanted: string | undefined
    const ended = new Set<string>()
    const look = () => {
      if (wanted !== undefined && ended.has(wanted)) resolve()
    }
    afterwork.on('task.succeeded', ({ id }) => {
      ended.add(id)
      look()
    })
    Promise.resolve(added).then(({ id }) => {
      wanted = id
      look()
    }, reject)
  })
}

test.serial(
  'the loop: arguments become text at addTask, and neither they nor results are parsed on the main thread',
  async (t) => {
    const marker = 'a-marker-that-only-these-arguments-have'
    const given = {
      marker,
      get counted() {
        return ++read
      },
      rows: Array.from({ length: 100_000 }, (_, row) => ({ row })),
    }
    let [read, readByThen] = [0, 0]
    const parse = JSON.parse
    let parsed = 0
    JSON.parse = ((text: string, ...rest: []) => {
      if (text.includes(marker)) parsed++
      return parse(text, ...rest) as unknown
    }) as typeof JSON.parse
    t.teardown(() => (JSON.parse = parse))

    const { url } = await listen(t, afterwork, (app) =>
      app.use((ctx) => {
        ctx.body = ctx.background.addTask(echo.with({ retries: 1 }), given).id
        readByThen = read
      }),
    )
    let id = ''
    await success(send(url).then((answer) => ({ id: (id = answer.text) })))
    t.is(parsed, 0)
    t.is(read, readByThen)
    const { result } = (await afterwork.records.get(id))!
    t.is(typeof result, 'string')
    t.is((parse(result!) as { marker: string }[])[0]?.marker, marker)
  },
)

test.serial(
  'the loop: however many tasks wait, no turn of it starts or ends more than a share of them',
  async (t) => {
    const waiting = 20_000
    const ends = new Promise<void>((resolve) => {
      let ended = 0
      afterwork.on('task.succeeded', () => {
        if (++ended === waiting) resolve()
      })
    })
    await afterwork.pausePool('cpu')
    for (let count = 0; count < waiting; count++) await afterwork.addTask(echo.with({ batch: true }))

    let [turns, started, most] = [0, 0, 0]
    afterwork.on('task.started', () => (most = Math.max(most, ++started)))
    let turning = true
    const turn = () => {
      turns++
      started = 0
      if (turning) setImmediate(turn)
    }
    setImmediate(turn)
    await afterwork.resumePool('cpu')
    await ends
    turning = false
    t.true(most <= waiting / 10, `${most} tasks were started in one turn`)
    t.true(turns > 10, `${turns} turns`)
  },
)

test.serial('the loop: requests are answered while every thread is busy and more tasks wait', async (t) => {
  const own = await startApp(
    t,
    (app) =>
      app.use((ctx) => {
        if (ctx.method === 'POST') ctx.background.addTask(busy)
        ctx.body = 'pong'
      }),
    { tasks },
  )
  for (let count = 0; count < 4; count++) await send(own.url, { method: 'POST' })
  await own.events.until('task.log', () => own.events.of('task.log').length === 2)
  for (let count = 0; count < 20; count++) t.is((await send(own.url)).text, 'pong')
  t.deepEqual(own.events.of('task.succeeded'), [])
  t.like(await own.afterwork.records.counters(), { running: 2, queued: 2 })
})
