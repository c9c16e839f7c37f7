import { join } from 'node:path'
import test from 'ava'
import { readConfig } from '../../src/service/config.ts'
import { poolsOf } from '../../src/service/runtime.ts'

test('no thread is told the password of the queue, nor the token of the service', (t) => {
  const secrets = {
    AFTERWORK_QUEUE: 'postgres://me:hunter2@db.example/shop',
    PGPASSWORD: 'hunter2',
    AFTERWORK_TOKEN: 'hunter2-token',
  }
  Object.assign(process.env, secrets, { OTHER: 'a value' })
  const config = readConfig([], process.env, join(import.meta.dirname, 'no-such.config.json'))
  const pools = Object.entries(poolsOf(config, '/data'))
  t.deepEqual(
    pools.map(([name]) => name),
    ['cpu', 'mail', 'http'],
  )
  for (const [name, { env }] of pools) {
    t.like(env, { OTHER: 'a value', AFTERWORK_DATA: '/data' })
    t.false(JSON.stringify(env).includes('hunter2'), name)
  }
})
