import test from 'ava'
import { Histogram, Registry } from 'prom-client'
import { observeDelay } from '../../src/observe/samples.ts'
import { Exposition } from '../support/exposition.ts'

async function observed(delay: number): Promise<{ count: number; sum: number; aboveHalf: number }> {
  const register = new Registry()
  const histogram = new Histogram({ name: 'delay', help: 'Delay', buckets: [0.5], registers: [register] })
  observeDelay(histogram, delay, 50)
  const exposition = new Exposition(await register.metrics())
  const value = (name: string) => exposition.value(name)!
  return { count: value('delay_count'), sum: value('delay_sum'), aboveHalf: exposition.above('delay', '0.5') }
}

test('what came in time is one sample', async (t) => {
  t.deepEqual(await observed(0), { count: 1, sum: 0, aboveHalf: 0 })
  t.deepEqual(await observed(20), { count: 1, sum: 0.02, aboveHalf: 0 })
})

test('a delay is as many samples as it kept from being taken, each with what was left of it', async (t) => {
  const { count, aboveHalf, sum } = await observed(1_000)
  // 1000, 950, ... 0 ms, of which 1000 to 550 are above the bound.
  t.deepEqual([count, aboveHalf], [21, 10])
  t.true(Math.abs(sum - 10.5) < 0.001)
})

test('a delay of days is a thousand samples, not millions', async (t) => {
  const { count } = await observed(7 * 86_400_000)
  t.true(count >= 1_000 && count <= 1_001, `${count}`)
})
