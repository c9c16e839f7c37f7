import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import type { Client, PoolClient } from 'pg'
import { fromDrizzle } from 'pg-boss'
import type { AddedTask, AddTask, ArgsOf, ResultOf, Task, TaskReference, TransactionClient } from 'afterwork'
import { defineTasks } from 'afterwork/tasks'
import type { StoredFile } from 'afterwork/worker'
import { addTask } from '../app.ts'
import type * as shop from '../shop.ts'
import { tasks } from '../tasks.ts'

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : [A, 'is not', B]
declare function check<_T extends true>(): void
declare const file: StoredFile

export async function arguments_(): Promise<void> {
  await addTask(tasks.shop.ship, { id: 1, lines: [{ article: 'tea', count: 2 }] })
  await addTask(tasks.shop.ship, { id: 1, lines: [], at: new Date() }, { express: true })
  await addTask(tasks.shop.join, ', ')
  await addTask(tasks.shop.join, ', ', 'ann', 'bob')
  await addTask(tasks.shop.remind, 'ann@example.com')
  await addTask(tasks.shop.remind, 'ann@example.com', 5)
  await addTask(tasks.shop.scan, file)
  await addTask(tasks.shop.sweep)
  await addTask(tasks.shop.default, 1, null, 2)
  await addTask(tasks.slow.default)
}

export async function transactions(client: Client, pooled: PoolClient): Promise<void> {
  await addTask(tasks.shop.sweep.with({ client }))
  await addTask(tasks.shop.sweep.with({ client: pooled, delay: '1m' }))
  const orm: TransactionClient = fromDrizzle(drizzle({ client }), sql)
  await addTask(tasks.shop.ship.with({ client: orm }), { id: 1, lines: [] })
  // @ts-expect-error not where a task is defined
  defineTasks(import.meta.url, { shop: { load: () => import('../shop.ts'), client } })
}

export async function options(): Promise<AddedTask> {
  await addTask(tasks.slow.sweep.with({ priority: 5, timeout: '30s', delay: 500, unique: 'only one' }))
  await addTask(tasks.slow.sweep.with({ runAt: new Date(), memory: '64MB', delivery: 'at-most-once' }))
  await addTask(tasks.slow.ship.with({ onEnded: tasks.shop.sweep }).with({ retries: 1 }), {
    id: 1,
    lines: [],
  })
  return addTask(tasks.shop.ship.with({ backoff: { first: '1s', jitter: 0 } }), { id: 1, lines: [] })
}

check<Same<ResultOf<typeof tasks.shop.ship>, { parcel: string }>>()
check<Same<ResultOf<typeof tasks.shop.remind>, bigint>>()
check<Same<ResultOf<typeof tasks.shop.scan>, Uint8Array>>()
check<Same<ResultOf<typeof tasks.shop.sweep>, void>>()
check<Same<ResultOf<typeof tasks.shop.default>, number>>()
check<Same<ArgsOf<typeof tasks.shop.join>, [separator: string, ...names: string[]]>>()
check<Same<ArgsOf<typeof tasks.shop.remind>, [address: string, after?: number | undefined]>>()
check<Same<typeof tasks.shop.ship, Task<typeof shop.ship>>>()
check<Same<ReturnType<typeof tasks.shop.ship.with>, Task<typeof shop.ship>>>()

/** A helper of a user's own, over any task and any addTask. */
export async function addTwice<T extends TaskReference>(
  add: AddTask<Promise<AddedTask>>,
  task: T,
  ...args: ArgsOf<T>
): Promise<AddedTask[]> {
  return [await add(task, ...args), await add(task, ...args)]
}

export async function helper(): Promise<void> {
  await addTwice(addTask, tasks.shop.ship, { id: 1, lines: [] })
  await addTwice(addTask, tasks.shop.join, ', ', 'ann')
  // @ts-expect-error the helper knows the arguments too
  await addTwice(addTask, tasks.shop.join, 5)
}
