import { execFile, fork, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { SqliteQueue } from '../../../src/queue/sqlite/engine.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { newTask } from '../conformance/subject.ts'
import { exists, openQueue } from './opened.ts'

interface Refused {
  code: string
  message: string
}

/** Another process that can open the file. */
async function holder(t: ExecutionContext, file: string): Promise<ChildProcess> {
  const child = fork(new URL('./holder.ts', import.meta.url), [file])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

async function tell(child: ChildProcess, what: 'open' | 'close'): Promise<string | Refused> {
  const answer = once(child, 'message')
  child.send(what)
  return (await answer)[0] as string | Refused
}

async function newFile(t: ExecutionContext): Promise<string> {
  return join(await temporaryFolder(t), 'queue.db')
}

test('a second process is refused, and told which has the file; killed, it holds nobody up', async (t) => {
  const file = await newFile(t)
  const child = await holder(t, file)
  t.is(await tell(child, 'open'), 'opened')
  const inUse = { code: 'AFTERWORK_QUEUE_IN_USE', message: new RegExp(`is in use by process ${child.pid}: `) }
  await t.throwsAsync(openQueue(t, { file }), inUse)
  await t.throwsAsync(openQueue(t, { file }), inUse)
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  const queue = await openQueue(t, { file })
  await queue.add(newTask())
  t.is((await queue.claim()).length, 1)
})

test('a second engine in the process is refused, also by another name of the file, and the first goes on', async (t) => {
  const first = await openQueue(t)
  const link = join(await temporaryFolder(t), 'another-name.db')
  await symlink(first.file, link)
  for (const file of [first.file, link]) {
    await t.throwsAsync(openQueue(t, { file }), {
      code: 'AFTERWORK_QUEUE_IN_USE',
      message: new RegExp(`is in use by process ${process.pid}: `),
    })
  }
  await first.add(newTask())
  await first.engine.close()
  const second = await openQueue(t, { file: link })
  t.deepEqual(await second.counters(), { queued: 1 })
})

test('of several that start at the same moment exactly one wins', async (t) => {
  const file = await newFile(t)
  const children = await Promise.all(Array.from({ length: 3 }, () => holder(t, file)))
  for (let round = 0; round < 12; round++) {
    const answers = await Promise.all(children.map((child) => tell(child, 'open')))
    t.is(
      answers.filter((answer) => answer === 'opened').length,
      1,
      `round ${round}: ${JSON.stringify(answers)}`,
    )
    for (const answer of answers) {
      if (typeof answer !== 'string') t.is(answer.code, 'AFTERWORK_QUEUE_IN_USE', answer.message)
    }
    await Promise.all(children.map((child) => tell(child, 'close')))
  }
})

test('a lock that is damaged is named, with what to do', async (t) => {
  const file = await newFile(t)
  await writeFile(`${file}-lock`, Buffer.alloc(8_192))
  await t.throwsAsync(openQueue(t, { file }), {
    code: 'AFTERWORK_QUEUE_UNUSABLE',
    message: `${file}-lock is damaged (file is not a database): remove it, nothing is lost with it`,
  })
})

test('a process that only reads the file takes no log away from a store that was started again', async (t) => {
  const queue = await openQueue(t)
  const [before, after] = [newTask(), newTask()]
  await queue.add(before)
  // The reader has the file open from here on.
  t.is(await queue.state(before), 'queued')
  await queue.stores[0]!.terminate()
  await queue.counters()
  t.is(queue.stores.length, 2)
  const read = `const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(process.argv[1])
    database.prepare('SELECT count(*) FROM tasks').get()
    database.close()`
  await promisify(execFile)(process.execPath, ['-e', read, queue.file])
  t.true(await exists(`${queue.file}-wal`))
  await queue.add(after)
  const next = await queue.crash(t)
  t.deepEqual(await next.claim(), [before.id, after.id])
})

test('a queue that was refused tries no second time, when another may have closed the file', async (t) => {
  const failure = { name: 'Error', message: 'locked' }
  const refused = { type: 'refused', code: 'AFTERWORK_QUEUE_IN_USE', message: 'in use', failure }
  let started = 0
  const queue = new SqliteQueue(
    await newFile(t),
    { maxTasks: 1, maxBytes: 1 },
    { tasks: 1 },
    {
      startStore() {
        started++
        const store = Object.assign(new EventEmitter(), { ref() {}, unref() {}, postMessage() {} })
        // As a thread does that ends before its message was read.
        setImmediate(() => {
          store.emit('message', refused)
          store.emit('exit', 0)
        })
        return store as unknown as Worker
      },
    },
  )
  await t.throwsAsync(queue.open(), { code: 'AFTERWORK_QUEUE_IN_USE' })
  await new Promise((resolve) => setImmediate(resolve))
  t.is(started, 1)
  await queue.close()
})
