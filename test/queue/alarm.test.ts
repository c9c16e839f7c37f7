import test, { type ExecutionContext } from 'ava'
import { Alarm } from '../../src/queue/alarm.ts'

/** An alarm, and what it rang with, once that many items have come. */
function alarm(t: ExecutionContext, count: number): { alarm: Alarm<string>; rung: Promise<string[]> } {
  const items: string[] = []
  let made!: Alarm<string>
  const rung = new Promise<string[]>((resolve) => {
    made = new Alarm((due) => {
      items.push(...due)
      if (items.length >= count) resolve(items)
    })
  })
  t.teardown(() => made.clear())
  return { alarm: made, rung }
}

test('it rings with what is due, earliest first, in whatever order it was set', async (t) => {
  const { alarm: under, rung } = alarm(t, 4)
  const now = Date.now()
  under.set('third', now + 60)
  under.set('first', now + 20)
  under.set('fourth', now + 80)
  under.set('second', now + 40)
  t.deepEqual(await rung, ['first', 'second', 'third', 'fourth'])
  t.true(Date.now() >= now + 80)
})

test('it does not ring within set(), also for what is due already', async (t) => {
  const { alarm: under, rung } = alarm(t, 1)
  let setting = true
  void rung.then(() => t.false(setting))
  under.set('past', Date.now() - 1_000)
  setting = false
  t.deepEqual(await rung, ['past'])
})

test('what is set while it rings rings too', async (t) => {
  const rung: string[] = []
  await new Promise<void>((resolve) => {
    const under = new Alarm<string>((due) => {
      rung.push(...due)
      if (rung.length === 1) under.set('again', Date.now() + 10)
      else resolve()
    })
    t.teardown(() => under.clear())
    under.set('once', Date.now() + 10)
  })
  t.deepEqual(rung, ['once', 'again'])
})

test('a time further than any timer can wait does not ring at once, nor overflow a timer', async (t) => {
  const { alarm: under, rung } = alarm(t, 1)
  const warned = ({ message }: Error): void => t.fail(message)
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))
  under.set('in a year', Date.now() + 365 * 86_400_000)
  under.set('soon', Date.now() + 40)
  t.deepEqual(await rung, ['soon'])
})

test('once cleared it rings with nothing from before', async (t) => {
  const { alarm: under, rung } = alarm(t, 1)
  const now = Date.now()
  under.set('cleared', now + 10)
  under.clear()
  under.set('set since', now + 30)
  t.deepEqual(await rung, ['set since'])
})
