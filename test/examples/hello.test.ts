import test from 'ava'
import { send } from '../support/http.ts'
import { run } from './run.ts'

test('hello answers before its task ends, and the log says when it is done', async (t) => {
  const hello = await run(t, 'hello.ts')
  const before = Date.now()
  const answer = await send(`${hello.url}/?seconds=0.5`)
  const answeredAt = Date.now()
  t.is(answer.status, 200)
  t.is(answer.text, 'Hello World')

  const log = await hello.printed(/task completed/)
  const lines = log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { time: number; msg: string; duration?: number })
  t.deepEqual(
    lines.map(({ msg }) => msg),
    ['task started', 'done', 'task completed'],
  )
  const [started, done, completed] = lines
  t.true(started!.time >= before)
  t.true(done!.time > answeredAt, 'the answer came first')
  t.true(completed!.duration! >= 490)
})
