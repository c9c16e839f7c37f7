import { once } from 'node:events'
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { post } from '../support/http.ts'
import { command, serveCommand, type Ended } from '../support/process.ts'
import { openQueue } from '../queue/sqlite/opened.ts'
import { newTask } from '../queue/conformance/subject.ts'
import { queueAtRest } from './queue-at-rest.ts'

async function run(
  t: ExecutionContext,
  folder: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return await (
    await command(t, args, env, folder)
  ).ended
}

/** A server that is no service of ours, and what it was asked. */
async function stranger(t: ExecutionContext, answer: (response: ServerResponse) => void) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    answer(response)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test('the service says in its data folder where it listens, to its owner, until it stops', async (t) => {
  const line = await serveCommand(t, ['--host', '0.0.0.0'], { AFTERWORK_TOKEN: 'a-token' })
  const url = await line.listening()
  const file = join(line.folder, 'data', 'service.json')
  const said = { pid: line.child.pid, host: hostname(), url: url.replace('0.0.0.0', '127.0.0.1') }
  t.deepEqual(JSON.parse(await readFile(file, 'utf8')), said)
  t.is((await stat(file)).mode & 0o777, 0o600)
  line.child.kill('SIGTERM')
  t.is((await line.ended).code, 0)
  t.false((await readdir(join(line.folder, 'data'))).includes('service.json'))
})

test('the token comes from the environment, a file or the config file, and is asked for where it is missing', async (t) => {
  const line = await serveCommand(t, [], { AFTERWORK_TOKEN: 'a-token' })
  await line.listening()
  const { folder } = line
  const missing = await run(t, folder, ['pools'])
  t.deepEqual([missing.code, missing.stdout], [1, ''])
  t.regex(missing.stderr, /^afterwork: http:\S+ wants its token: set AFTERWORK_TOKEN[^\n]*\n$/)
  const wrong = await run(t, folder, ['pools'], { AFTERWORK_TOKEN: 'another' })
  t.is(wrong.code, 1)
  t.is((await run(t, folder, ['pools'], { AFTERWORK_TOKEN: 'a-token' })).code, 0)
  await writeFile(join(folder, 'token'), 'a-token\n')
  t.is((await run(t, folder, ['pools', '--token-file', 'token'])).code, 0)
  await writeFile(join(folder, 'afterwork.config.json'), JSON.stringify({ tokenFile: 'token', poolMax: 2 }))
  t.is((await run(t, folder, ['pools'])).code, 0)
})

test('after a kill the file is read, what it says of the service is known to be old, and nothing is recovered', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  await post(`${url}/send-email`, { to: 'a@example.org', subject: 'A', text: 'B', delay: '1h' })
  line.child.kill('SIGKILL')
  await line.ended
  t.true((await readdir(join(line.folder, 'data'))).includes('service.json'))
  const listed = await run(t, line.folder, ['tasks', 'list', '--json'])
  t.deepEqual([listed.code, listed.stderr], [0, ''])
  t.is(JSON.parse(listed.stdout).tasks.length, 1)
  const changed = await run(t, line.folder, ['tasks', 'cancel', JSON.parse(listed.stdout).tasks[0].id])
  t.deepEqual([changed.code, changed.stdout, changed.stderr], [0, '1 task cancelled\n', ''])

  const next = await command(t, ['serve', '--port', '0'], {}, line.folder)
  await next.listening()
  const stats = await run(t, line.folder, ['tasks', 'stats', '--json'])
  t.like(JSON.parse(stats.stdout), { counts: { cancelled: 1, queued: 0, scheduled: 0 } })
})

test('a token goes to nobody who only has the address of a service that died', async (t) => {
  const other = await stranger(t, (response) => response.end('{}'))
  const { folder } = await queueAtRest(t)
  const said = JSON.stringify({ pid: process.pid, url: other.url })
  await writeFile(join(folder, 'data', 'service.json'), said)
  const { code } = await run(t, folder, ['tasks', 'list'], { AFTERWORK_TOKEN: 'a-token' })
  t.is(code, 0)
  t.deepEqual(other.asked, [])
})

test('a service that hangs: the file is read with a word about it, and nothing can be changed', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  await post(`${url}/send-email`, { to: 'a@example.org', subject: 'A', text: 'B', delay: '1h' })
  line.child.kill('SIGSTOP')
  const listed = await run(t, line.folder, ['tasks', 'list', '--json'])
  t.is(listed.code, 0)
  const [task] = JSON.parse(listed.stdout).tasks
  t.is(task.name, 'mail.sendEmail')
  const note = new RegExp(
    `^afterwork: process ${line.child.pid} works on \\S+ and does not answer at ${url}[^\n]*\n$`,
  )
  t.regex(listed.stderr, note)
  const changed = await run(t, line.folder, ['tasks', 'cancel', task.id])
  t.deepEqual([changed.code, changed.stdout], [1, ''])
  t.regex(changed.stderr, /\nafterwork: Nothing was changed: process \d+ works on [^\n]*\n$/)
  const pools = await run(t, line.folder, ['pools'])
  t.is(pools.code, 1)
  t.regex(pools.stderr, /\nafterwork: Pools are threads of a running service: process \d+ [^\n]*\n$/)
  line.child.kill('SIGCONT')
})

test('a queue that an app of its own works on is read, and not changed', async (t) => {
  const queue = await openQueue(t)
  const task = newTask()
  await queue.engine.add([task], { held: false })
  const where = ['--queue', `sqlite:${queue.file}`]
  const shown = await run(t, '/', ['tasks', 'show', task.id, '--json', ...where])
  t.is(shown.code, 0)
  t.is(JSON.parse(shown.stdout).state, 'queued')
  t.regex(shown.stderr, new RegExp(`process ${process.pid} works on .*says nowhere where it listens`))
  const changed = await run(t, '/', ['tasks', 'cancel', task.id, ...where])
  t.is(changed.code, 1)
  t.is((await queue.engine.get(task.id))?.state, 'queued')
})

test('--url asks that service and no file; its path is where the routes are mounted', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  const { folder } = await queueAtRest(t)
  const elsewhere = await run(t, folder, ['tasks', 'list', '--json', '--url', `${url}/`])
  t.deepEqual(JSON.parse(elsewhere.stdout), { tasks: [], next: null })
  const fromEnvironment = await run(t, folder, ['tasks', 'list', '--json'], { AFTERWORK_URL: url })
  t.deepEqual(JSON.parse(fromEnvironment.stdout), { tasks: [], next: null })
  const mounted = await run(t, folder, ['tasks', 'list', '--url', `${url}/background`])
  t.is(mounted.code, 1)
  t.regex(mounted.stderr, /^afterwork: http\S+\/background: it answered 404 [^\n]*\n$/)
})

test('an address where nobody answers, or somebody else, is an error of one line', async (t) => {
  const { folder } = await queueAtRest(t)
  const nobody = await run(t, folder, ['tasks', 'list', '--url', 'http://127.0.0.1:1'])
  t.deepEqual([nobody.code, nobody.stdout], [1, ''])
  t.regex(
    nobody.stderr,
    /^afterwork: No service answers at http:\/\/127\.0\.0\.1:1: [^\n]*ECONNREFUSED[^\n]*\n$/,
  )
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => response.end('<h1>Hello</h1>'),
    (response) => response.end('{}'),
    (response) => response.end('null'),
    (response) => response.end('{"stats":1,"counts":{"queued":"1"}}'),
    (response) => response.end('{"tasks":[{"id":1}],"next":null}'),
    (response) => response.writeHead(500).end('{"code":"__proto__","detail":"\\u001b[2J"}'),
    (response) => response.writeHead(302, { Location: 'http://127.0.0.1:1' }).end(),
    (response) => response.socket!.destroy(),
    (response) => {
      response.writeHead(200, { 'Content-Length': '100' })
      response.write('{"tasks":[', () => response.socket!.destroy())
    },
  ]
  const commands = [['tasks', 'list'], ['tasks', 'stats'], ['pools'], ['top', '--json']]
  for (const [place, answer] of answers.entries()) {
    const { url } = await stranger(t, answer)
    const { code, stdout, stderr } = await run(t, folder, [...commands[place % 4]!, '--url', url])
    t.deepEqual([code, stdout], [1, ''], answer.toString())
    t.regex(stderr, /^afterwork: \P{Cc}+\n$/u)
    t.notRegex(stderr, /\.ts:\d+/)
  }
})

test('a service that goes away in the middle: what was done is told, the rest is not tried', async (t) => {
  const { folder, failed } = await queueAtRest(t)
  let requests = 0
  const { url, asked } = await stranger(t, (response) => {
    if (++requests > 2) return response.socket!.destroy()
    response.end('{"state":"queued"}')
  })
  const ids = Array.from({ length: 40 }, () => newTask().id)
  const { code, stdout } = await run(t, folder, ['tasks', 'retry', ...failed, ...ids, '--url', url, '--json'])
  const { done, failed: left } = JSON.parse(stdout)
  t.deepEqual([code, done, left.length], [1, 2, 43])
  t.true(left.every((one: { code: string }) => one.code === 'AFTERWORK_NO_SERVICE'))
  t.regex(left.at(-1).message, /^Not tried: /)
  t.true(asked.length < 20)
})

test('--data and --queue go before AFTERWORK_URL, which is meant for everything else', async (t) => {
  const { folder } = await queueAtRest(t)
  const env = { AFTERWORK_URL: 'http://127.0.0.1:1' }
  t.is((await run(t, folder, ['tasks', 'list'], env)).code, 1)
  t.is((await run(t, folder, ['tasks', 'list', '--data', 'data'], env)).code, 0)
})

test('a queue that cannot be read is an error of one line', async (t) => {
  const { folder, file } = await queueAtRest(t)
  // Root may read any file, but nobody a folder as one.
  await rm(file)
  await mkdir(file)
  const { code, stderr } = await run(t, folder, ['tasks', 'list'])
  t.is(code, 1)
  t.regex(stderr, /^afterwork: [^\n]*cannot be used[^\n]*\n$/)
})
