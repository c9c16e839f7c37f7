import test from 'ava'
import { metricsOf } from './subject.ts'

const counts = { queued: 3, scheduled: 2, running: 1, succeeded: 9, failed: 9, cancelled: 9 }

test('while the queue does not answer its numbers are left out, and it is asked only once', async (t) => {
  let asked = 0
  let answer = Promise.withResolvers<typeof counts>()
  const counters = () => {
    asked++
    return answer.promise
  }
  const { scrape } = await metricsOf(t, { records: () => ({ counters, oldest: async () => null }) })
  const scrapes = await Promise.all(Array.from({ length: 20 }, scrape))
  for (const exposition of scrapes) {
    t.deepEqual(exposition.samples('afterwork_queue_depth'), [])
    t.is(exposition.value('afterwork_queue_oldest_seconds'), 0)
    t.is(exposition.value('afterwork_running_max_seconds'), 0)
  }
  await scrape()
  t.is(asked, 1)

  const late = scrape()
  answer.resolve(counts)
  t.is((await late).value('afterwork_queue_depth', { state: 'queued' }), 3)
  t.is((await scrape()).samples('afterwork_queue_depth').length, 3)
  t.is(asked, 2)

  answer = Promise.withResolvers()
  answer.reject(new Error('the disk is gone'))
  t.deepEqual((await scrape()).samples('afterwork_queue_depth'), [])
})

test('the age of the oldest task that waits is in seconds, never below 0, and left out when unknown', async (t) => {
  let addedAt: number | null = Date.now() - 90_000
  let fails = false
  const oldest = () => (fails ? Promise.reject(new Error('gone')) : Promise.resolve(addedAt))
  const { scrape } = await metricsOf(t, { records: () => ({ counters: async () => counts, oldest }) })
  const age = async () => (await scrape()).value('afterwork_queue_oldest_seconds')
  const seen = await age()
  t.true(seen! >= 90 && seen! < 100, `${seen}`)
  fails = true
  t.is(await age(), undefined)
  fails = false
  addedAt = Date.now() + 3_600_000
  t.is(await age(), 0)
  addedAt = null
  t.is(await age(), 0)
})

test('a queue that throws at once spoils no scrape', async (t) => {
  const { scrape } = await metricsOf(t, {
    records: () => {
      throw new Error('not open')
    },
  })
  t.deepEqual((await scrape()).samples('afterwork_queue_depth'), [])
})
