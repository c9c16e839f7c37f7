import type { ExecutionContext } from 'ava'
import type Koa from 'koa'
import { testAfterwork, type TestAfterwork, type TestOptions } from 'afterwork/testing'
import { listen } from '../support/app.ts'
import { lines } from './fixtures/notes.ts'
import { tasks } from './fixtures/tasks.ts'

export type Subject = TestAfterwork<typeof tasks>

/** A runtime under test, started; stopped when the test ends. The tests of a file share the notes: they are serial. */
export async function start(
  t: ExecutionContext,
  options: Partial<TestOptions<typeof tasks>> = {},
): Promise<Subject> {
  const afterwork = testAfterwork({ tasks, ...options })
  t.teardown(() => afterwork.stop())
  await afterwork.start()
  lines.length = 0
  return afterwork
}

/** An app that listens, with its background tasks under test. */
export async function startApp(
  t: ExecutionContext,
  configure: (app: Koa) => void,
  options: Partial<TestOptions<typeof tasks>> = {},
): Promise<{ url: string; afterwork: Subject }> {
  const afterwork = await start(t, options)
  const { url } = await listen(t, afterwork, configure)
  return { url, afterwork }
}
