import test from 'ava'
import { defineTasks } from '../../src/core/definition.ts'
import { checkName, checkReference } from '../../src/core/reference.ts'

const url = 'file:///app/tasks.ts'
const load = () => Promise.resolve({ resize(): void {} })
const tasks = defineTasks(url, { files: load })

test('a reference of the tasks file is accepted, with options too', (t) => {
  t.notThrows(() => checkReference(tasks.files.resize, url))
  t.notThrows(() => checkReference(tasks.files.resize.with({ priority: 1 }), url))
})

test('a plain function is refused with a sentence that names addLocal', (t) => {
  t.throws(() => checkReference(function audit() {}, url), {
    code: 'AFTERWORK_BAD_TASK',
    message:
      'Expected a task from defineTasks(), got function audit; for a plain function use addLocal(fn, ...args)',
  })
  t.throws(() => checkReference((() => () => {})(), url), {
    code: 'AFTERWORK_BAD_TASK',
    message: /got function \(anonymous\); for a plain function use addLocal/,
  })
})

for (const [what, value] of Object.entries({
  undefined: undefined,
  null: null,
  'a name': 'files.resize',
  'a module of tasks': tasks.files,
  'all tasks': tasks,
  'what looks like a reference': { name: 'files.resize', options: tasks.files.resize.options },
})) {
  test(`${what} is no reference`, (t) => {
    t.throws(() => checkReference(value, url), {
      code: 'AFTERWORK_BAD_TASK',
      message: 'Expected a task from defineTasks(), such as tasks.files.processFile',
    })
  })
}

test('a reference of another tasks file is refused, naming both', (t) => {
  const other = defineTasks('file:///other/tasks.ts', { files: load })
  t.throws(() => checkReference(other.files.resize, url), {
    code: 'AFTERWORK_BAD_TASK',
    message: 'Expected a task defined in file:///app/tasks.ts, got one defined in file:///other/tasks.ts',
  })
})

test('a name that no module exports is refused with the nearest one', (t) => {
  const known = new Set(['files.resize', 'mail.send'])
  t.notThrows(() => checkName('mail.send', known))
  t.throws(() => checkName('files.rezise', known), {
    code: 'AFTERWORK_UNKNOWN_TASK',
    message: 'No module exports a task named files.rezise, did you mean "files.resize"?',
  })
  t.throws(() => checkName('reports.monthly', known), {
    code: 'AFTERWORK_UNKNOWN_TASK',
    message: 'No module exports a task named reports.monthly',
  })
})
