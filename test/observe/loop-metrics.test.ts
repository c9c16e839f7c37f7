import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { block, metricsOf } from './subject.ts'

const name = 'afterwork_event_loop_lag_seconds'

test('a blocked loop counts for as long as it was blocked', async (t) => {
  const { scrape } = await metricsOf(t)
  block(2_000)
  // The timer that is late goes first.
  await wait(1)
  const slow = (await scrape()).above(name, '1')
  // Of those that would have come every 50 ms in the first second.
  t.true(slow >= 18 && slow <= 30, `${slow}`)
})
