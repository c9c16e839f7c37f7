import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { isClosed, send } from '../support/http.ts'
import { command } from '../support/process.ts'
import { Checkout, worker } from './watch/checkout.ts'

/** Adds a task of the service; gives its id. */
async function notify({ url }: Checkout, who: string): Promise<string> {
  const { status, headers } = await send(`${url}/send-notification/${who}@example.org`, { method: 'POST' })
  if (status !== 202) throw new Error(`Expected 202, got ${status}`)
  return headers.location!.split('/').at(-1)!
}

/** A slow task runs, in the code that its thread has loaded. */
const waits = (id: string) => new RegExp(`"id":"${id}".*"waits"`)
const completed = (id: string) => new RegExp(`"id":"${id}".*"task completed"`)

// One after the other: each has processes and threads of its own to start.
test.serial(
  'a change of workers: the same process, the new code, no request refused, what runs ends',
  async (t) => {
    const checkout = await Checkout.start(t, ['--pool-min', '2', '--pool-max', '2'])
    await checkout.says(/listening on/)
    const slow = await notify(checkout, 'slow')
    await checkout.says(waits(slow))

    let asking = true
    const statuses: number[] = []
    const asked = (async () => {
      while (asking) statuses.push((await send(`${checkout.url}/readyz`)).status)
    })()
    await checkout.write('workers/notifications.ts', worker('two'))
    await checkout.says(/workers\/notifications\.ts changed/)
    await checkout.says(/workers are loaded anew/)
    const quick = await notify(checkout, 'quick')
    await checkout.says(completed(quick))
    asking = false
    await asked
    t.true(statuses.length > 0)
    t.deepEqual(
      statuses.filter((status) => status !== 200),
      [],
    )

    await checkout.go()
    await checkout.says(completed(slow))
    t.is(await checkout.log(), 'two message to quick@example.org\none message to slow@example.org\n')
    t.is(checkout.pids.length, 1)
    t.notRegex(checkout.said, /interrupted|"level":[56]0/)
  },
)

test.serial('a change of src: another process, and queued tasks survive', async (t) => {
  const checkout = await Checkout.start(t, ['--pool-max', '1', '--drain', '0'])
  await checkout.says(/listening on/)
  const slow = await notify(checkout, 'slow')
  const queued = await notify(checkout, 'queued')
  await checkout.says(waits(slow))
  await checkout.edit('src/service/health.ts', "'ok'", "'fine'")
  await checkout.says(/src\/service\/health\.ts changed/)
  await checkout.says(/listening on/)
  t.is((await send(`${checkout.url}/livez`)).json.status, 'fine')
  await checkout.go()
  await checkout.says(completed(queued))
  t.is(await checkout.log(), 'one message to slow@example.org\none message to queued@example.org\n')
  const [first, second, ...others] = checkout.pids
  t.not(first, second)
  t.deepEqual(others, [])
})

test.serial(
  'a syntax error in a worker is shown with its place and the old code goes on, until it is mended',
  async (t) => {
    const checkout = await Checkout.start(t, ['--pool-min', '1', '--pool-max', '1'])
    await checkout.says(/listening on/)
    await checkout.says(completed(await notify(checkout, 'first')))
    await checkout.write('workers/notifications.ts', `${worker('broken')}\nconst = nothing\n`)
    await checkout.says(
      /Cannot load module notifications .*; the old ones go on\n.*workers\/notifications\.ts:\d+\n/,
    )
    await checkout.says(completed(await notify(checkout, 'a')))
    await checkout.write('workers/notifications.ts', worker('mended'))
    await checkout.says(/workers are loaded anew/)
    await checkout.says(completed(await notify(checkout, 'b')))
    t.is(
      await checkout.log(),
      'one message to first@example.org\none message to a@example.org\nmended message to b@example.org\n',
    )
    t.is(checkout.pids.length, 1)
  },
)

test.serial('tasks that come and go are named', async (t) => {
  const checkout = await Checkout.start(t)
  await checkout.says(/listening on/)
  const more = 'export const tell = () => {}\nexport const shout = () => {}\n'
  await checkout.write('workers/notifications.ts', worker('two', more))
  await checkout.says(/workers are loaded anew \+notifications\.shout \+notifications\.tell\n/)
  await rm(join(checkout.folder, 'workers/notifications.ts'))
  await checkout.says(/Cannot load module notifications .*; the old ones go on/)
  await checkout.write('workers/notifications.ts', worker('three'))
  await checkout.says(/workers are loaded anew -notifications\.shout -notifications\.tell\n/)
  t.is(checkout.pids.length, 1)
})

test.serial('a service that cannot start, or dies, says so and is started by the next change', async (t) => {
  const checkout = await Checkout.start(t, [], async (folder) => {
    await rm(join(folder, 'workers/notifications.ts'))
  })
  await checkout.says(/Cannot load module notifications .*\n/)
  await checkout.says(/the service ended with code 1; waiting for a change/)
  await checkout.write('workers/notifications.ts', worker('one'))
  await checkout.says(/listening on/)

  process.kill(checkout.pids[0]!, 'SIGKILL')
  await checkout.says(/the service ended with SIGKILL; waiting for a change/)
  await checkout.edit('src/service/health.ts', "'ok'", '][')
  await checkout.says(/SyntaxError/)
  await checkout.says(/the service ended with code 1; waiting for a change/)
  await checkout.edit('src/service/health.ts', '][', "'fine'")
  await checkout.says(/listening on/)
  t.is((await send(`${checkout.url}/livez`)).json.status, 'fine')
})

test.serial('a change while the service stops is not lost', async (t) => {
  const checkout = await Checkout.start(t, ['--drain', '1h'])
  await checkout.says(/listening on/)
  const slow = await notify(checkout, 'slow')
  await checkout.says(waits(slow))
  await checkout.edit('src/service/health.ts', "'ok'", "'two'")
  await checkout.says(/"msg":"stopping/)
  await checkout.edit('src/service/health.ts', "'two'", "'three'")
  await checkout.says(/src\/service\/health\.ts changed/)
  await checkout.edit('workers/notifications.ts', 'async function', 'async  function')
  await checkout.says(/workers\/notifications\.ts changed/)
  await checkout.go()
  await checkout.says(completed(slow))
  await checkout.says(/listening on/)
  await checkout.says(completed(await notify(checkout, 'last')))
  t.is((await send(`${checkout.url}/livez`)).json.status, 'three')

  checkout.watcher.kill('SIGTERM')
  t.is((await checkout.ended).code, 0)
  t.is(checkout.pids.length, 2)
})

test.serial(
  'Ctrl-C lets the running task end and ends both; it is one signal to the service, not two',
  async (t) => {
    const checkout = await Checkout.start(t, ['--drain', '1h'])
    await checkout.says(/listening on/)
    const slow = await notify(checkout, 'slow')
    await checkout.says(waits(slow))
    process.kill(-checkout.watcher.pid!, 'SIGINT')
    await checkout.says(/"signal":"SIGINT","msg":"stopping/)
    await checkout.go()
    await checkout.says(completed(slow))
    await checkout.says(/"msg":"stopped"/)
    t.deepEqual(await checkout.ended, { code: 0, signal: null })
    t.true(await isClosed(checkout.url))
  },
)

test.serial('a second Ctrl-C ends both at once', async (t) => {
  const checkout = await Checkout.start(t, ['--drain', '1h'])
  await checkout.says(/listening on/)
  await checkout.says(waits(await notify(checkout, 'slow')))
  process.kill(-checkout.watcher.pid!, 'SIGINT')
  await checkout.says(/"msg":"stopping/)
  process.kill(-checkout.watcher.pid!, 'SIGINT')
  t.deepEqual(await checkout.ended, { code: 130, signal: null })
  t.notRegex(checkout.said, /"msg":"stopped"/)
  t.true(await isClosed(checkout.url))
})

test.serial('a watcher that is killed leaves no service behind', async (t) => {
  const checkout = await Checkout.start(t)
  await checkout.says(/listening on/)
  checkout.watcher.kill('SIGKILL')
  await checkout.says(/"msg":"stopped"/)
  t.true(await isClosed(checkout.url))
})

test.serial('the installed package has no sources that could change, and says what to do', async (t) => {
  const compiled = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
  const run = promisify(execFile)(process.execPath, [compiled, 'serve', '--watch'])
  const { code, stderr } = (await t.throwsAsync(run)) as unknown as { code: number; stderr: string }
  t.is(code, 1)
  t.regex(stderr, /^afterwork: --watch: there are no sources .* `npm run dev`, .* `node --watch app\.ts`\n$/)
})

test.serial('a wrong setting ends the watcher with one line', async (t) => {
  const { ended } = await command(t, ['serve', '--watch', '--prot', '1'])
  const { code, stdout, stderr } = await ended
  t.deepEqual([code, stdout], [1, ''])
  t.regex(stderr, /^afterwork: afterwork serve: .*did you mean "port"\?\n$/)
})
