import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Runner {
  /** The package, its program, and what it is called with. */
  package: string | undefined
  arguments: string[]
  /** The first group is how many passed. */
  passed: RegExp
  tests: string
}

const runners: Record<string, Runner> = {
  node: {
    package: undefined,
    arguments: ['--test', 'node/*.test.ts'],
    passed: /^. pass (\d+)$/m,
    tests: '4',
  },
  vitest: {
    package: 'vitest',
    arguments: ['run', '--dir', 'vitest'],
    passed: /Tests +(\d+) passed/,
    tests: '6',
  },
  ava: { package: 'ava', arguments: ['ava/*.test.ts'], passed: /(\d+) tests passed/, tests: '4' },
}

for (const [name, runner] of Object.entries(runners)) {
  test(`the tests of an app pass under ${name}, and fail when the app adds no task`, async (t) => {
    const folder = await project(t)
    const working = await run(folder, runner)
    t.is(working.code, 0, working.output)
    t.is(runner.passed.exec(working.output)?.[1], runner.tests, working.output)

    const app = join(folder, 'app.ts')
    const lines = (await readFile(app, 'utf8')).split('\n')
    const broken = lines.filter((line) => !line.includes('.addTask('))
    t.is(lines.length - broken.length, 2)
    await writeFile(app, broken.join('\n'))
    const failing = await run(folder, runner)
    t.not(failing.code, 0, failing.output)
    t.regex(failing.output, /Expected mail\.sendEmail with .* to be added once, got 0/)
  })
}

/** The example as a project of its own, with the built package among its modules. */
async function project(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t)
  await cp(join(root, 'examples/testing'), folder, { recursive: true })
  const ava = { extensions: ['ts'], files: ['ava/*.test.ts'] }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', ava }))
  const modules = join(folder, 'node_modules')
  const own = join(modules, 'afterwork')
  await mkdir(own, { recursive: true })
  await cp(join(root, 'package.json'), join(own, 'package.json'))
  await cp(join(root, 'dist'), join(own, 'dist'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '.bin') await symlink(join(root, 'node_modules', name), join(modules, name))
  return folder
}

async function run(
  cwd: string,
  { package: name, arguments: args }: Runner,
): Promise<{ code: unknown; output: string }> {
  const program = name === undefined ? [] : [await programOf(name)]
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, NO_COLOR: '1', CI: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, [...program, ...args], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    )
  })
}

/** The program that a package brings. */
async function programOf(name: string): Promise<string> {
  const file = join(root, 'node_modules', name, 'package.json')
  const { bin } = JSON.parse(await readFile(file, 'utf8')) as { bin: string | Record<string, string> }
  return join(dirname(file), typeof bin === 'string' ? bin : bin[name]!)
}
