import type { Afterwork } from 'afterwork'
import type { Added, EndedTask, Part } from 'afterwork/testing'
import type { Order } from '../shop.ts'
import { tasks } from '../tasks.ts'
import { underTest } from '../under-test.ts'

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : [A, 'is not', B]
declare function check<_T extends true>(): void
declare function createApp(afterwork: Afterwork): void

export async function use(): Promise<EndedTask[]> {
  createApp(underTest)
  underTest.assertAdded(tasks.shop.ship)
  underTest.assertAdded(tasks.shop.ship, [])
  underTest.assertAdded(tasks.shop.ship, [{ id: 1 }])
  underTest.assertAdded(tasks.shop.ship, [{ lines: [{ article: 'tea' }], at: undefined }, { express: true }])
  underTest.assertAdded(tasks.shop.ship, [{}, { express: true }])
  underTest.assertAdded(tasks.shop.join, [', ', 'ann'], { times: 2, delay: '5m', unique: 'key' })
  underTest.assertNotAdded(tasks.shop.join.with({ priority: 1 }), [', '], { priority: 1 })
  await underTest.advance('5m', { allowFailures: true })
  await underTest.advance(1)
  return underTest.drain({ scheduled: true, within: '30s' })
}

export function found(): void {
  const [first] = underTest.assertAdded(tasks.shop.ship)
  type ShipArgs = [order: Order, options?: { express?: boolean } | undefined]
  check<Same<typeof first, Added<string, ShipArgs> | undefined>>()
}

export function told(): string[] {
  return underTest.added.map((task) => {
    if (task.name === 'shop.join') return task.args[0]
    if (task.name === 'slow.ship') return String(task.args[0].lines[0]?.count)
    return task.name
  })
}

check<Same<Part<{ a: { b: number; c: string }; d: Date }>, Part<{ a: { c: string; b: number }; d: Date }>>>()
check<Same<Part<string>, string>>()
