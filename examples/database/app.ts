/**
 * Orders are accepted at once and written to PostgreSQL afterwards; none is lost while the database is away.
 * Try: DATABASE_URL=postgres://user:password@localhost/shop node --conditions=afterwork-source examples/database/app.ts
 * (schema.sql has the tables), then, at the URL it prints:
 * curl URL/orders --json '{ "customer": "Ada", "lines": [{ "sku": "tea", "quantity": 2 }] }'
 */
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import { createAfterwork, Problem, problems } from 'afterwork'
import type { Order } from './orders.ts'
import { tasks } from './tasks.ts'

const app = new Koa()
// A thread that waits for a database can wait for several answers at once.
const afterwork = createAfterwork({ tasks, pools: { database: { maxThreads: 2, concurrency: 4 } } })
const router = new Router()

router.post('/orders', (ctx) => {
  const order: unknown = ctx.request.body
  if (!isOrder(order)) throw new Problem(422, 'NO_ORDER', 'Expected a customer and lines')
  ctx.body = ctx.background.addTask(tasks.orders.store, order)
  ctx.status = 202
})

app.use(problems()).use(afterwork.middleware()).use(afterwork.routes())
app.use(bodyParser()).use(router.routes())

await afterwork.start()
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.once('SIGTERM', () => server.close(() => void afterwork.stop()))

/** What can be seen without the database; it judges the rest. */
function isOrder(given: any): given is Order {
  return (
    typeof given?.customer === 'string' &&
    Array.isArray(given.lines) &&
    given.lines.every((line: any) => typeof line?.sku === 'string' && Number.isSafeInteger(line.quantity))
  )
}
