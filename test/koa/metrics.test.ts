import test from 'ava'
import { Gauge, Registry } from 'prom-client'
import { listen, startAfterwork } from '../support/app.ts'
import { send } from '../support/http.ts'

test('many scrapes at once are one, and each gets the whole answer', async (t) => {
  const { afterwork } = await startAfterwork(t)
  const register = new Registry()
  let collected = 0
  const answer = Promise.withResolvers<void>()
  const collect = (): Promise<void> => {
    collected++
    return answer.promise
  }
  new Gauge({ name: 'slow', help: 'A slow one', registers: [register], collect })
  const metrics = await afterwork.metrics({ register })
  let arrived = 0
  const { url } = await listen(t, afterwork, (app) =>
    app.use((ctx, next) => {
      if (++arrived === 100) answer.resolve()
      return metrics(ctx, next)
    }),
  )
  const answers = await Promise.all(Array.from({ length: 100 }, () => send(`${url}/metrics`)))
  t.is(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1)
  t.is(answers[0]!.status, 200)
  t.is(collected, 1)
  await send(`${url}/metrics`)
  t.is(collected, 2)
})

test('only GET and HEAD are answered, and nothing but that path', async (t) => {
  const { afterwork } = await startAfterwork(t)
  const metrics = await afterwork.metrics()
  const { url } = await listen(t, afterwork, (app) => app.use(metrics))
  const head = await send(`${url}/metrics`, { method: 'HEAD' })
  t.deepEqual([head.status, head.text], [200, ''])
  t.is((await send(`${url}/metrics`, { method: 'POST' })).status, 404)
  t.is((await send(`${url}/metrics/`)).status, 404)
  t.is((await send(`${url}/metrics?name[]=up`)).status, 200)
})

test("a metric of one's own that fails spoils its scrape, and not the next", async (t) => {
  const { afterwork } = await startAfterwork(t)
  const register = new Registry()
  let fails = true
  const collect = (): void => {
    if (fails) throw new Error('mine is broken')
  }
  new Gauge({ name: 'mine', help: 'One of mine', registers: [register], collect })
  const metrics = await afterwork.metrics({ register })
  const { url } = await listen(t, afterwork, (app) => app.use(metrics))
  t.is((await send(`${url}/metrics`)).status, 500)
  fails = false
  t.is((await send(`${url}/metrics`)).status, 200)
})
