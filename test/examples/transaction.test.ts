import test from 'ava'
import { Endings } from '../support/endings.ts'
import { post, send } from '../support/http.ts'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { run } from './run.ts'

const endings = new Endings()
let postgres: Postgres

test.before(async () => {
  postgres = await startPostgres(endings)
})
test.after.always(() => endings.run())

const script = new URL('../../examples/transaction/schema.sql', import.meta.url)
const order = { customer: 'ada@example.org', sku: 'tea', quantity: 2 }

for (const [what, path] of [
  ['node-postgres', '/orders'],
  ['drizzle', '/drizzle/orders'],
] as const) {
  test.serial(`with ${what} an order and its mail are committed together, or neither is`, async (t) => {
    const database = await postgres.database(t, script)
    const app = await run(t, 'transaction/app.ts', { DATABASE_URL: database.url })
    const answer = await post(`${app.url}${path}`, order)
    t.is(answer.status, 202)
    const { id, name } = answer.json as { id: string; name: string }
    t.is(name, 'mail.sendReceipt')
    await app.printed(/receipt of order 1 goes to ada@example\.org/)
    await app.printed(/task completed/)
    t.like((await send(`${app.url}/tasks/${id}`)).json, { state: 'succeeded' })

    const refused = await post(`${app.url}${path}`, { ...order, quantity: 4 })
    t.is(refused.status, 409)
    t.like(refused.json, { code: 'SOLD_OUT' })
    t.is((await post(`${app.url}${path}`, { ...order, quantity: 0 })).status, 500, 'the database refuses it')
    t.is((await post(`${app.url}${path}`, { sku: 'tea' })).status, 422)

    t.is((await post(`${app.url}${path}`, order)).status, 202)
    const log = await app.printed(/receipt of order \d+ goes to [^]*receipt of order \d+ goes to/)
    const orders = await database.rows<{ id: number }>('SELECT id FROM orders ORDER BY id')
    t.deepEqual(
      Array.from(log.matchAll(/receipt of order (\d+)/g), ([, number]) => Number(number)),
      orders.map(({ id: number }) => number),
      'a receipt for each order that is there, and no other',
    )
    t.is(orders.length, 2)
    const { tasks } = (await send(`${app.url}/tasks`)).json as { tasks: unknown[] }
    t.is(tasks.length, 2)
    await app.end('SIGTERM')
  })
}
