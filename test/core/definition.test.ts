import { inspect } from 'node:util'
import test from 'ava'
import { defineTasks, definitionsOf, splitName, urlOf } from '../../src/core/definition.ts'
import { defaults } from '../../src/core/options.ts'

let loaded = 0
const files = {
  resize(_width: number): number {
    return 1
  },
  rotate(): void {},
  count: 3,
}
const load = () => {
  loaded++
  return Promise.resolve(files)
}

test('references are there without any module being loaded', (t) => {
  const tasks = defineTasks('file:///app/without-loading.ts', { files: load, more: { load } })
  t.is(tasks.files.resize.name, 'files.resize')
  t.is(tasks.more.rotate.name, 'more.rotate')
  t.deepEqual(tasks.files.resize.options, defaults)
  t.is(tasks.files.resize, tasks.files.resize)
  t.is(loaded, 0)
})

test('a module gives defaults to its tasks, a task overrides them, and a call overrides that', (t) => {
  const tasks = defineTasks('file:///app/options.ts', {
    files: { load, pool: 'images', retries: 2, tasks: { resize: { retries: 5, timeout: '30s' } } },
  })
  t.like(tasks.files.resize.options, { pool: 'images', retries: 5, timeout: 30_000, priority: 0 })
  t.like(tasks.files.rotate.options, { pool: 'images', retries: 2, timeout: 600_000 })
  t.like(tasks.files.resize.with({ retries: 9 }).options, { pool: 'images', retries: 9, timeout: 30_000 })
})

test('with() makes another reference and leaves the first as it was', (t) => {
  const { resize } = defineTasks('file:///app/with.ts', { files: load }).files
  const urgent = resize.with({ priority: 5 })
  const later = urgent.with({ delay: '1m' })
  t.is(urgent.name, 'files.resize')
  t.is(resize.options.priority, 0)
  t.like(urgent.options, { priority: 5, delay: 0 })
  t.like(later.options, { priority: 5, delay: 60_000 })
  t.throws(() => Object.assign(resize, { name: 'other' }), { instanceOf: TypeError })
})

test('with() names the task whose option is wrong', (t) => {
  const { resize } = defineTasks('file:///app/wrong-with.ts', { files: load }).files
  t.throws(() => resize.with({ timeout: 'x' as '1s' }), {
    code: 'AFTERWORK_BAD_OPTION',
    message: /^files\.resize\.with\(\)\.timeout: Expected /,
  })
})

test('modules and references can be awaited, printed and turned into JSON', async (t) => {
  const tasks = defineTasks('file:///app/awaited.ts', { files: load })
  t.is(await Promise.resolve(tasks.files), tasks.files)
  t.is(await Promise.resolve(tasks.files.resize), tasks.files.resize)
  t.is((tasks.files as { then?: unknown }).then, undefined)
  t.is(JSON.stringify(tasks), '{"files":{}}')
  t.is(typeof inspect(tasks), 'string')
})

test('tasks cannot be replaced', (t) => {
  const tasks = defineTasks('file:///app/frozen.ts', { files: load })
  t.throws(() => Object.assign(tasks.files, { resize: 1 }), {
    code: 'AFTERWORK_BAD_OPTION',
    message: 'tasks.files."resize" cannot be set',
  })
  t.throws(() => Object.assign(tasks, { files: 1 }), { instanceOf: TypeError })
})

test('the URL tells which file defined the tasks, and gives their definitions', async (t) => {
  const url = 'file:///app/registry.ts'
  const tasks = defineTasks(url, { files: load, mail: { load, tasks: { resize: { retries: 1 } } } })
  t.is(urlOf(tasks), url)
  const definitions = definitionsOf(url)
  t.deepEqual([...definitions.keys()], ['files', 'mail'])
  t.is(definitions.get('mail')?.tasks.get('resize')?.retries, 1)
  const before = loaded
  t.is(await definitions.get('files')!.load(), files)
  t.is(loaded, before + 1)
})

test('what no defineTasks() made has no URL', (t) => {
  for (const value of [undefined, null, {}, () => {}, 'tasks']) {
    t.throws(() => urlOf(value), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /^createAfterwork\(\)\.tasks: Expected what defineTasks\(\) returned, got /,
    })
  }
})

test('a file that defined nothing is named', (t) => {
  t.throws(() => definitionsOf('file:///app/nothing.ts'), {
    code: 'AFTERWORK_TASKS_FILE',
    message: 'file:///app/nothing.ts was imported but called no defineTasks(import.meta.url, ...)',
  })
})

for (const url of [undefined, './tasks.ts', 'https://example.com/tasks.js', new URL('file:///tasks.ts')]) {
  test(`${inspect(url)} is no URL of a tasks file`, (t) => {
    t.throws(() => defineTasks(url as string, { files: load }), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /^defineTasks\(url, modules\): url: Expected import\.meta\.url \(a file: URL; .*\), got /,
    })
  })
}

const url = 'file:///app/wrong.ts'
const wrong: [modules: unknown, message: string | RegExp][] = [
  [
    { files: './files.ts' },
    `defineTasks().files: Expected a loader such as () => import('./files.ts'), got "./files.ts"`,
  ],
  [{ files: null }, /^defineTasks\(\)\.files: Expected a loader .*, got null$/],
  [
    { files: Promise.resolve(files) },
    /^defineTasks\(\)\.files\.load: Expected a loader such as \(\) => import\('\.\/files\.ts'\), got undefined$/,
  ],
  [{ 'a.b': load }, 'defineTasks(): Expected module names without a dot, got "a.b"'],
  [{ files: { load, retires: 1 } }, /^defineTasks\(\)\.files: .*, got "retires", did you mean "retries"\?$/],
  [{ files: { load, delay: '1s' } }, /^defineTasks\(\)\.files: Expected one of .*, got "delay"/],
  [
    { files: { load, tasks: { resize: { timeout: true } } } },
    /^defineTasks\(\)\.files\.tasks\.resize\.timeout: Expected .*, got true$/,
  ],
  [{ files: { load, tasks: { resize: 5 } } }, 'defineTasks().files.tasks.resize: Expected an object, got 5'],
  [{ files: { load, tasks: null } }, 'defineTasks().files.tasks: Expected an object, got null'],
  [{ files: { load, tasks: [] } }, 'defineTasks().files.tasks: Expected an object, got an array of 0'],
]
for (const [modules, message] of wrong) {
  test(`a wrong definition is named: ${String(message)}`, (t) => {
    t.throws(() => defineTasks(url, modules as { files: typeof load }), {
      code: 'AFTERWORK_BAD_OPTION',
      message,
    })
  })
}

test('a name is split at its last dot', (t) => {
  t.deepEqual(splitName('files.resize'), ['files', 'resize'])
})
