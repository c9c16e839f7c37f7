import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { urlOf } from '../../src/core/definition.ts'
import { importTasks } from '../../src/service/tasks-file.ts'
import { temporaryFolder } from '../support/folder.ts'

const doors = new URL('../../src/tasks.ts', import.meta.url).href
const define = `import { defineTasks } from ${JSON.stringify(doors)}\n`
const made = 'defineTasks(import.meta.url, { any: () => import("./any.mjs") })'

for (const [how, source] of [
  ['as the default export', `${define}export default ${made}\nexport const other = 1`],
  ['as tasks', `${define}export const tasks = ${made}\nexport const some = { ...tasks }`],
  [
    'by any other name',
    `${define}const all = ${made}\nexport { all as work, all as again }\nexport default 5`,
  ],
] as const) {
  test(`what defineTasks() returned is found ${how}`, async (t) => {
    const file = join(await temporaryFolder(t), 'tasks.mjs')
    await writeFile(file, source)
    t.is(urlOf(await importTasks(relative(process.cwd(), file))), pathToFileURL(file).href)
  })
}

for (const [why, source, code, message] of [
  [
    'has none',
    'export const tasks = { a: 1 }',
    'AFTERWORK_BAD_OPTION',
    /as the default export of .*, got none/,
  ],
  [
    'has several',
    `${define}export const a = ${made}\nexport const b = defineTasks(import.meta.url + "?b", {})`,
    'AFTERWORK_BAD_OPTION',
    /got several/,
  ],
  [
    'throws',
    'throw new Error("no licence\\nto run")',
    'AFTERWORK_TASKS_FILE',
    /^Cannot load the tasks file .*: no licence$/,
  ],
  [
    'imports what is missing',
    'import "./no-such.mjs"',
    'AFTERWORK_TASKS_FILE',
    /^Cannot load .*no-such\.mjs[^\n]*$/,
  ],
  [
    'is the app itself',
    `${define}import { createAfterwork } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
createAfterwork({ tasks: ${made}, queue: 'memory:' })`,
    'AFTERWORK_TASKS_FILE',
    /The tasks file calls createAfterwork\(\)/,
  ],
] as const) {
  test(`a file that ${why} is refused with one line`, async (t) => {
    const file = join(await temporaryFolder(t), 'tasks.mjs')
    await writeFile(file, source)
    await t.throwsAsync(importTasks(file), { code, message })
  })
}

test('no file, or a folder, is refused', async (t) => {
  const folder = await temporaryFolder(t)
  for (const path of [folder, join(folder, 'missing.ts')])
    await t.throwsAsync(importTasks(path), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /^--tasks: Expected a file, got /,
    })
})
