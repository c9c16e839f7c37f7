/**
 * An order and the task that mails its receipt, in one transaction: both are there, or neither is.
 * Try: DATABASE_URL=postgres://user:password@localhost/shop node --conditions=afterwork-source examples/transaction/app.ts
 * (schema.sql has the tables), then, at the URL it prints:
 * curl URL/orders --json '{ "customer": "ada@example.org", "sku": "tea", "quantity": 2 }'
 */
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa, { type Middleware } from 'koa'
import { createAfterwork, Problem, problems, type AddedTask } from 'afterwork'
import { withDrizzle } from './drizzle.ts'
import { withPg } from './pg.ts'
import { connections, type Order } from './shop.ts'
import { tasks } from './tasks.ts'

const app = new Koa()
// The queue is in the database of the orders, in schemas of its own.
const afterwork = createAfterwork({ tasks, queue: process.env['DATABASE_URL']! })
const router = new Router()

/** Answers 202 once the order and its task are committed. */
function accept(store: (order: Order) => Promise<AddedTask>): Middleware {
  return async (ctx) => {
    const order: unknown = ctx.request.body
    if (!isOrder(order)) throw new Problem(422, 'NO_ORDER', 'Expected a customer, a sku and a quantity')
    ctx.body = await store(order)
    ctx.status = 202
  }
}

router.post(
  '/orders',
  accept((order) => withPg(afterwork, order)),
)
router.post(
  '/drizzle/orders',
  accept((order) => withDrizzle(afterwork, order)),
)

app.use(problems()).use(afterwork.middleware()).use(afterwork.routes())
app.use(bodyParser()).use(router.routes())

await afterwork.start()
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.once('SIGTERM', () => server.close(() => void afterwork.stop().then(() => connections.end())))

function isOrder(given: any): given is Order {
  return (
    typeof given?.customer === 'string' &&
    typeof given.sku === 'string' &&
    Number.isSafeInteger(given.quantity)
  )
}
