import test from 'ava'
import { AfterworkError } from '../../src/core/errors.ts'
import { probeTasks } from '../../src/pool/probe.ts'

async function probe(fixture: string): Promise<ReadonlySet<string>> {
  return (await probeTasks(urlOf(fixture), process.env)).names
}

function urlOf(fixture: string): string {
  return new URL(`./fixtures/${fixture}`, import.meta.url).href
}

test('it gives the names of all functions, module by module', async (t) => {
  const names = [...(await probe('tasks.ts'))]
  t.true(names.includes('work.add'))
  t.true(names.includes('more.add'))
  t.false(names.includes('work.version'))
  t.is(new Set(names).size, names.length)
})

test('teardown and what is no function are no tasks, and a default export is one', async (t) => {
  t.deepEqual([...(await probe('with-teardown.ts'))], ['mail.default', 'mail.send'])
})

test('it loads no module on the main thread', async (t) => {
  await probe('tasks.ts')
  t.false(Symbol.for('test.loaded') in globalThis)
})

const broken: [fixture: string, what: string, reason: RegExp][] = [
  [
    'missing-module.ts',
    'load module photos of URL',
    /^Cannot find module '.*no-such-file\.ts' imported from .*$/,
  ],
  ['throwing-module.ts', 'load module broken of URL', /^SMTP_URL is not set$/],
  ['throwing-tasks.ts', 'load the tasks file URL', /^the tasks file itself is broken$/],
  ['no-such-tasks.ts', 'load the tasks file URL', /^Cannot find module '.*no-such-tasks\.ts'.*$/],
  [
    'starts-server.ts',
    'load the tasks file URL',
    /^The tasks file starts a server: keep defineTasks\(\) in a file apart from the app$/,
  ],
  [
    'creates-afterwork.ts',
    'load the tasks file URL',
    /^The tasks file calls createAfterwork\(\): keep defineTasks\(\) in a file apart from the app$/,
  ],
  [
    'options-for-nobody.ts',
    'load module work of URL',
    /^it has options for rezise, but the module exports no such function$/,
  ],
  [
    'defines-nothing.ts',
    'load the tasks file URL',
    /^file:.*defines-nothing\.ts was imported but called no defineTasks\(import\.meta\.url, \.\.\.\)$/,
  ],
  ['exits.ts', 'load the tasks file URL', /^the thread ended with code 3$/],
]
for (const [fixture, what, reason] of broken) {
  test(`${fixture} stops the start with one clear line`, async (t) => {
    const error = await t.throwsAsync(probe(fixture), {
      instanceOf: AfterworkError,
      code: 'AFTERWORK_TASKS_FILE',
    })
    const [beginning, line] = [`Cannot ${what.replace('URL', urlOf(fixture))}: `, error.message]
    t.true(line.startsWith(beginning), line)
    t.regex(line.slice(beginning.length), reason)
    t.false(line.includes('\n'))
    t.true(error.cause instanceof Error)
  })
}

test('what a module threw is the cause, with its code and stack', async (t) => {
  const error = await t.throwsAsync(probe('throwing-module.ts'))
  t.like(error.cause, { name: 'RangeError', code: 'NO_SMTP' })
  t.regex((error.cause as Error).stack!, /fixtures\/broken\.ts/)
})
