import test, { type ExecutionContext } from 'ava'
import { send } from '../support/http.ts'
import { command, serveCommand, type Ended } from '../support/process.ts'
import { queueAtRest } from './queue-at-rest.ts'

async function run(t: ExecutionContext, folder: string, args: string[]): Promise<Ended> {
  return await (
    await command(t, ['pools', ...args], {}, folder)
  ).ended
}

test('pools of the running service are shown, paused, resumed and resized', async (t) => {
  const line = await serveCommand(t, ['--pool-max', '2'])
  const url = await line.listening()
  const { folder } = line
  const shown = await run(t, folder, [])
  t.deepEqual(
    [shown.code, shown.stdout],
    [0, 'cpu\topen\t0\t1\t2\t1\nmail\topen\t0\t1\t1\t10\nhttp\topen\t0\t0\t1\t20\n'],
  )
  const json = await run(t, folder, ['--json'])
  t.deepEqual(JSON.parse(json.stdout), (await send(`${url}/pools`)).json)

  const paused = await run(t, folder, ['pause', 'mail'])
  t.deepEqual([paused.code, paused.stdout], [0, 'mail\tpaused\t0\t1\t1\t10\n'])
  t.true((await send(`${url}/pools`)).json.pools[1].paused)
  t.regex((await run(t, folder, ['resume', 'mail'])).stdout, /^mail\topen/)
  const resized = await run(t, folder, ['resize', 'cpu', '--max-threads', '4', '--concurrency=3', '--json'])
  t.like(JSON.parse(resized.stdout), { name: 'cpu', maxThreads: 4, concurrency: 3 })
  t.like((await send(`${url}/pools`)).json.pools[0], { maxThreads: 4, concurrency: 3 })
})

test('what cannot be done to a pool is told with the reason', async (t) => {
  const line = await serveCommand(t)
  await line.listening()
  const refused: [string[], number, RegExp][] = [
    [['pause', 'mial'], 1, /There is no pool mial, did you mean "mail"\?/],
    [
      ['resize', 'cpu', '--min-threads', '9000', '--max-threads', '1'],
      2,
      /minThreads: Expected at most maxThreads/,
    ],
    [['resize', 'cpu'], 2, /Expected resize NAME with --min-threads/],
    [['resize', 'cpu', '--max-threads', '0'], 2, /--max-threads: Expected a whole number from 1 to 10000/],
    [['--max-threads', '2'], 2, /Expected resize NAME/],
    [['stop', 'cpu'], 2, /Expected pause, resume, resize, got "stop"/],
    [['pause'], 2, /Expected the name of a pool/],
    [['pause', 'cpu', 'mail'], 2, /Expected one name, got "mail"/],
  ]
  for (const [args, expected, reason] of refused) {
    const { code, stdout, stderr } = await run(t, line.folder, args)
    t.regex(stderr, reason)
    t.deepEqual([code, stdout], [expected, ''], args.join(' '))
  }
})

test('without a service there are no pools', async (t) => {
  const { folder } = await queueAtRest(t)
  for (const args of [[], ['pause', 'cpu'], ['resize', 'cpu', '--max-threads', '2']]) {
    const { code, stdout, stderr } = await run(t, folder, args)
    t.deepEqual([code, stdout], [1, ''])
    t.regex(
      stderr,
      /^afterwork: Pools are threads of a running service: no service runs on data\/queue\.db\n$/,
    )
  }
})
