import { inspect } from 'node:util'
import test from 'ava'
import { checkClient, clientOf, refuseClient } from '../../src/core/client.ts'
import { defineTasks } from '../../src/core/definition.ts'
import { defaults, resolveOptions } from '../../src/core/options.ts'

const { mail } = defineTasks('file:///app/tasks.ts', { mail: () => Promise.resolve({ send(): void {} }) })
const client = { query: () => Promise.resolve({ rows: [] }) }

test('a reference keeps its client, and nothing that is stored or shown has it', (t) => {
  const reference = mail.send.with({ client })
  t.is(clientOf(reference), client)
  t.is(clientOf(reference.with({ priority: 3 })), client, 'further options leave it')
  t.is(clientOf(mail.send), undefined)
  t.deepEqual(reference.options, mail.send.options)
  t.false(inspect(reference, { depth: 5 }).includes('query'))
  t.false(JSON.stringify(reference).includes('client'))
})

test('another client takes the place of the first', (t) => {
  const other = { executeSql: () => Promise.resolve({ rows: [] }) }
  t.is(clientOf(mail.send.with({ client }).with({ client: other })), other)
})

for (const [what, value, shown] of [
  ['no object', 5, 'got 5'],
  ['null', null, 'got null'],
  ['an object that takes no statements', { send() {} }, 'got an object'],
] as const) {
  test(`${what} is no client`, (t) => {
    t.throws(() => mail.send.with({ client: value as never }), {
      code: 'AFTERWORK_BAD_OPTION',
      message: `mail.send.with().client: Expected a client with query() or executeSql(), on which a transaction is open, ${shown}`,
    })
  })
}

test('a pool of connections is no client: each of its statements may be on another', (t) => {
  class Pool {
    totalCount = 3
    query = client.query
  }
  t.throws(() => checkClient(new Pool(), 'x'), {
    code: 'AFTERWORK_BAD_OPTION',
    message:
      'x: Expected one connection with an open transaction, from `await pool.connect()`, got an instance of Pool',
  })
})

test('a client is for calls only', (t) => {
  t.throws(() => resolveOptions({ client }, defaults, 'defineTasks().mail', 'definition'), {
    code: 'AFTERWORK_BAD_OPTION',
    message: /got "client"/,
  })
})

test('what is added later, or with something else, is part of no transaction', (t) => {
  const reference = mail.send.with({ client })
  t.notThrows(() => refuseClient(mail.send, 'it'))
  const refused = {
    code: 'AFTERWORK_BAD_OPTION',
    message: /^mail\.send\.with\(\{ client \}\): Expected `await afterwork\.addTask\(\.\.\.\)`, .*, got /,
  }
  t.throws(() => refuseClient(reference, 'it'), refused)
  t.throws(() => mail.send.with({ onEnded: reference }), refused)
  t.throws(() => mail.send.with({ onEnded: { task: reference } }), refused)
})
