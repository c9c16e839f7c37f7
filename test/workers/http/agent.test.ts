import type { LookupAddress } from 'node:dns'
import test, { type ExecutionContext } from 'ava'
import { request } from 'undici'
import { publicAgent, publicLookup, openAgent, type Resolver } from '../../../workers/http/agent.ts'
import { startReceiver } from '../../support/receiver.ts'

const refused = { code: 'HTTP_DESTINATION_REFUSED', message: /^Expected a host with a public address, got / }

function found(...addresses: string[]): LookupAddress[] {
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}

/** Gives one answer after the other, the last one for ever; the asked names are kept. */
function resolverOf(...answers: string[][]): { resolve: Resolver; asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    resolve: (hostname, _options, done) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)]!
      asked.push(hostname)
      setImmediate(() => done(null, found(...answer)))
    },
  }
}

function agentOf(t: ExecutionContext, resolve?: Resolver) {
  const agent = publicAgent(resolve)
  t.teardown(() => agent.destroy())
  return agent
}

/** Each is refused, and a server at that port sees nobody. */
async function refuses(t: ExecutionContext, urls: (port: number) => string[], resolve?: Resolver) {
  const server = await startReceiver(t)
  const dispatcher = agentOf(t, resolve)
  for (const url of urls(server.port)) {
    await t.throwsAsync(request(url, { dispatcher }), refused, url)
  }
  t.is(server.connections, 0)
}

test('private addresses are refused however they are written', async (t) => {
  await refuses(t, (port) => [
    `http://127.0.0.1:${port}/`,
    `http://127.1:${port}/`,
    `http://0x7f000001:${port}/`,
    `http://2130706433:${port}/`,
    `http://0177.0.0.1:${port}/`,
    `http://127.0.0.1.:${port}/`,
    `http://0.0.0.0:${port}/`,
    `http://0:${port}/`,
    `http://[::1]:${port}/`,
    `http://[::]:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://[::ffff:7f00:1]:${port}/`,
    `http://[64:ff9b::127.0.0.1]:${port}/`,
    `http://169.254.169.254/latest/meta-data/`,
  ])
})

test('a name of this machine is refused, over TLS too', async (t) => {
  await refuses(t, (port) => [`http://localhost:${port}/`, `https://localhost:${port}/`])
})

test('a name is judged by the address that is connected to, not by one that it had before', async (t) => {
  const { resolve, asked } = resolverOf(['93.184.215.14'], ['127.0.0.1'])
  const checked = await new Promise<LookupAddress[]>((done) =>
    resolve('rebinding.example', { all: true }, (_error, addresses) => done(addresses)),
  )
  t.deepEqual(checked, found('93.184.215.14'))
  await refuses(t, (port) => [`http://rebinding.example:${port}/`], resolve)
  t.deepEqual(asked, ['rebinding.example', 'rebinding.example'])
})

test('a name with nothing but private addresses is refused', async (t) => {
  const { resolve } = resolverOf(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '64:ff9b::7f00:1'])
  await refuses(t, (port) => [`http://inside.example:${port}/`], resolve)
})

test('of a name with private and public addresses only the public ones are used', async (t) => {
  const { resolve } = resolverOf(['127.0.0.1', '93.184.215.14', '::1', '2606:4700::1111'])
  const lookup = publicLookup(resolve)
  const all = await new Promise((done) => lookup('mixed.example', { all: true }, (...got) => done(got)))
  t.deepEqual(all, [null, found('93.184.215.14', '2606:4700::1111')])
  const one = await new Promise((done) => lookup('mixed.example', {}, (...got) => done(got)))
  t.deepEqual(one, [null, '93.184.215.14', 4])
})

test('a name that cannot be resolved says so', async (t) => {
  const missing = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
  const dispatcher = agentOf(t, (_hostname, _options, done) => setImmediate(() => done(missing, [])))
  await t.throwsAsync(request('http://missing.example/', { dispatcher }), { code: 'ENOTFOUND' })
})

test('no proxy of the environment is used', async (t) => {
  const [proxy, target] = [await startReceiver(t), await startReceiver(t)]
  const names = ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY']
  for (const name of names) process.env[name] = name.startsWith('N') ? '1' : proxy.origin
  t.teardown(() => names.forEach((name) => delete process.env[name]))
  const dispatcher = openAgent()
  t.teardown(() => dispatcher.destroy())
  t.is((await request(target.origin, { dispatcher })).statusCode, 204)
  await t.throwsAsync(request(target.origin, { dispatcher: agentOf(t) }), refused)
  t.deepEqual([proxy.connections, target.connections], [0, 1])
})
