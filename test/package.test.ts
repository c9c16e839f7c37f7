import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { publint } from 'publint'
import sharp from 'sharp'
import { createProject, otherNode, pack, root, type Tarball } from './package/npm.ts'
import { start } from './package/started.ts'
import { Endings } from './support/endings.ts'
import { temporaryFolder } from './support/folder.ts'
import { send } from './support/http.ts'
import { multipart } from './support/multipart.ts'

const run = promisify(execFile)
const endings = new Endings()
const bin = join(root, 'node_modules/.bin')
const doors = ['afterwork', 'afterwork/tasks', 'afterwork/worker', 'afterwork/testing', 'afterwork/upload']
const services = [
  '@koa/bodyparser',
  '@koa/multer',
  '@napi-rs/canvas',
  'chardet',
  'file-type',
  'handlebars',
  'html-to-text',
  'ipaddr.js',
  'markdown-it',
  'multer',
  'nodemailer',
  'pdfjs-dist',
  'pdfkit',
  'postal-mime',
  'prom-client',
  'sharp',
  'tar-stream',
  'undici',
  'yauzl',
]
/** The oldest Node.js that is supported, the one that the tests run on, and the newest. */
const versions = ['22.18.0', process.version.slice(1), '26']

let tarball: Tarball
/** Projects with the package and koa; with types as well; and with all that the service needs besides. */
let lean: string
let typed: string
let full: string
let docs: string
/** Programs of Node.js by version. */
let nodes: Map<string, string>

test.before(async (t) => {
  t.timeout(300_000)
  const folder = await temporaryFolder(endings)
  tarball = await pack(folder)
  const both = [tarball.file, 'koa']
  const types = ['@types/koa', '@types/node']
  const programs = versions.map(async (version) => {
    const program = process.version === `v${version}` ? process.execPath : await otherNode(version)
    return [version, program] as const
  })
  ;[lean, typed, full, docs, nodes] = await Promise.all([
    createProject(join(folder, 'lean'), ...both),
    createProject(join(folder, 'typed'), ...both, ...types),
    createProject(join(folder, 'full'), ...both, ...types, ...services),
    readFile(join(root, 'docs/dependencies.md'), 'utf8'),
    Promise.all(programs).then((entries) => new Map(entries)),
  ])
})
test.after.always(() => endings.run())

/** A figure of docs/dependencies.md: the number in the row that begins with this. */
function figure(row: string): number {
  const found = docs.split('\n').find((line) => line.startsWith(`| ${row} `))
  const [, number] = /\| ([\d.]+)/.exec(found ?? '') ?? []
  if (number === undefined) throw new Error(`docs/dependencies.md has no figure for ${row}`)
  return Number(number)
}

/** Bytes of all files in a folder. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name))
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** What the compiler says of a folder, the packages' own types included. */
async function compile(folder: string, options: object): Promise<string> {
  const standard = { target: 'es2024', lib: ['es2024'], types: ['node'], strict: true, noEmit: true }
  const compilerOptions = { ...standard, ...options }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  const { stdout } = await run(join(bin, 'tsc'), ['-p', folder]).catch((error: { stdout: string }) => error)
  return stdout
}

test('the package holds what was built, and nothing that nobody needs', (t) => {
  const wanted =
    /^(dist\/(src|workers)\/.+\.(js|d\.ts|html|css)|package\.json|(README|CHANGELOG)\.md|LICENSE)$/
  t.deepEqual(
    tarball.files.filter((path) => !wanted.test(path)),
    [],
  )
})

test('it is as lean as docs/dependencies.md says, a quarter more or less', async (t) => {
  const { packages } = JSON.parse(await readFile(join(lean, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, object>
  }
  const there = async (name: string) => (await stat(join(lean, name)).catch(() => null)) !== null
  const names = Object.keys(packages).filter((name) => name !== '')
  const installed = (await Promise.all(names.map(there))).filter(Boolean).length
  const measured: [row: string, value: number][] = [
    ['the tarball, kB', tarball.size / 1_000],
    ['files in it', tarball.files.length],
    ['packages installed', installed],
    ['installed, MB', (await sizeOf(join(lean, 'node_modules'))) / 1_000_000],
  ]
  for (const [row, value] of measured) {
    const written = figure(row)
    t.true(value < written * 1.25 && value > written * 0.75, `${row}: ${written} written, ${value} measured`)
  }
})

test('nothing that is installed runs a script of its own', async (t) => {
  for (const project of [lean, full]) {
    const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: true }>
    }
    const scripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript)
    t.deepEqual(
      scripts.map(([name]) => name),
      [],
    )
  }
})

test('docs/dependencies.md has a row for every dependency and every peer, and for no other', async (t) => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, object>
  const rows = Array.from(docs.matchAll(/^\| `([^`]+)` /gm), ([, name]) => name!)
  const names = [...Object.keys(manifest['dependencies']!), ...Object.keys(manifest['peerDependencies']!)]
  t.deepEqual(rows.sort(), names.sort())
})

test('publint finds nothing to say of it', async (t) => {
  const { messages } = await publint({ pkgDir: join(lean, 'node_modules/afterwork'), pack: false })
  t.deepEqual(messages, [])
})

test('types resolve for modules and for bundlers, says attw', async (t) => {
  const { stdout } = await run(join(bin, 'attw'), [tarball.file, '--profile', 'esm-only', '--format', 'json'])
  const { analysis } = JSON.parse(stdout) as { analysis: { entrypoints: Record<string, object> } }
  const seen = Object.keys(analysis.entrypoints).filter((name) => name !== './package.json')
  t.deepEqual(seen.sort(), ['.', './tasks', './testing', './upload', './worker'])
})

for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const) {
  test(`a user's program is checked with moduleResolution ${moduleResolution}, and the package's types with it`, async (t) => {
    const folder = join(full, `types-${moduleResolution}`)
    await cp(join(root, 'examples/readme'), folder, { recursive: true })
    await writeFile(join(folder, 'doors.ts'), doors.map((door) => `export * from '${door}'\n`).join(''))
    await writeFile(
      join(folder, 'wrong.ts'),
      `import Koa from 'koa'
import { createAfterwork } from 'afterwork'
import { tasks } from './tasks.ts'
const afterwork = createAfterwork({ tasks })
// @ts-expect-error a photo is no number
await afterwork.addTask(tasks.photos.shrink, 1)
// @ts-expect-error there is no such task
await afterwork.addTask(tasks.photos.grow)
new Koa().use(afterwork.middleware()).use((ctx) => {
  // @ts-expect-error a photo is no number
  ctx.background.addTask(tasks.photos.shrink, 1)
  // @ts-expect-error there is no such method
  ctx.background.adTask()
})
`,
    )
    const options = { module, moduleResolution, allowImportingTsExtensions: true }
    t.is(await compile(folder, options), '')
  })

  test(`nor does it need the types of packages that it does not use with ${moduleResolution}`, async (t) => {
    const folder = join(typed, moduleResolution)
    await mkdir(folder)
    const used = doors.filter((door) => door !== 'afterwork/upload')
    await writeFile(join(folder, 'doors.ts'), used.map((door) => `export * from '${door}'\n`).join(''))
    t.is(await compile(folder, { module, moduleResolution }), '')
  })
}

for (const version of versions) {
  test(`all doors open in Node.js ${version}`, async (t) => {
    const script = `const found = {}
for (const door of ${JSON.stringify(doors)}) found[door] = Object.keys(await import(door))
console.log(JSON.stringify(found))`
    const args = ['--input-type=module', '-e', script]
    const { stdout } = await run(nodes.get(version)!, args, { cwd: full })
    const found = JSON.parse(stdout) as Record<string, string[]>
    t.deepEqual(Object.keys(found), doors)
    for (const [door, names] of Object.entries(found)) t.true(names.length > 0, door)
  })

  test.serial(`the program of the README runs its task in Node.js ${version}`, async (t) => {
    const folder = join(full, `readme-${version}`)
    await cp(join(root, 'examples/readme'), folder, { recursive: true })
    const app = await start(t, nodes.get(version)!, ['app.ts'], folder)
    const photo = await sharp({ create: { width: 900, height: 900, channels: 3, background: '#6d5a86' } })
      .jpeg()
      .toBuffer()
    const form = multipart([{ name: 'photo', content: photo, filename: 'a.jpg', type: 'image/jpeg' }])
    const { status, json } = await send(app.url, form)
    t.is(status, 202)
    // They end when the task does.
    await send(`${app.url}/tasks/${json.id}/events`)
    const task = (await send(`${app.url}/tasks/${json.id}`)).json
    t.is(task.state, 'succeeded', JSON.stringify(task.error))
    t.is(task.result.width, 640)
    t.true((await readdir(join(folder, 'data'))).includes('queue.db'))
  })

  test.serial(`with koa alone a task that was killed runs again in Node.js ${version}`, async (t) => {
    const folder = join(lean, `own-${version}`)
    await mkdir(folder)
    await writeFile(
      join(folder, 'work.ts'),
      `import { currentTask } from 'afterwork/worker'
export function work(kill: boolean) {
  if (kill && currentTask().attempt === 1) process.kill(process.pid, 'SIGKILL')
  return { pid: process.pid }
}
`,
    )
    await writeFile(
      join(folder, 'tasks.ts'),
      `import { defineTasks } from 'afterwork/tasks'
export const tasks = defineTasks(import.meta.url, { own: () => import('./work.ts') })
`,
    )
    await writeFile(
      join(folder, 'app.ts'),
      `import { createAfterwork } from 'afterwork'
import { tasks } from './tasks.ts'
const afterwork = createAfterwork({ tasks, logger: false })
const ended = new Promise((resolve) => afterwork.on('task.succeeded', resolve))
await afterwork.start()
if (process.argv[2] === 'add') await afterwork.addTask(tasks.own.work, true)
const { id } = await ended
const { attempt, result } = await afterwork.records.get(id)
console.log(JSON.stringify({ attempt, ...JSON.parse(result), mine: process.pid }))
await afterwork.stop()
`,
    )
    const node = nodes.get(version)!
    const killed = await t.throwsAsync(run(node, ['app.ts', 'add'], { cwd: folder }))
    t.is((killed as unknown as { signal: string }).signal, 'SIGKILL')
    const { stdout } = await run(node, ['app.ts'], { cwd: folder })
    const { attempt, pid, mine } = JSON.parse(stdout) as { attempt: number; pid: number; mine: number }
    t.is(attempt, 2)
    t.is(pid, mine)
  })
}

test.serial('afterwork serve runs where its peers are installed, and stops in order', async (t) => {
  const service = await start(t, join(full, 'node_modules/.bin/afterwork'), ['serve'], full)
  t.is((await send(`${service.url}/livez`)).status, 200)
  const { status, headers } = await send(`${service.url}/send-notification/a@example.org`, { method: 'POST' })
  t.is(status, 202)
  await send(`${service.url}${headers.location}/events`)
  t.is((await send(`${service.url}${headers.location}`)).json.state, 'succeeded')
  t.is(await service.stop(), 0)
})

test('where they are missing it names all of them, with the command that brings them', async (t) => {
  const failed = run(join(lean, 'node_modules/.bin/afterwork'), ['serve'], { cwd: lean })
  const { code, stdout, stderr } = (await t.throwsAsync(failed)) as unknown as Record<string, unknown>
  t.deepEqual([code, stdout], [1, ''])
  const list = services.join(' ')
  t.is(stderr, `afterwork: the service needs ${services.join(', ')}: npm install ${list}\n`)
})

test('the command line works where only koa is installed', async (t) => {
  const { stdout } = await run(join(lean, 'node_modules/.bin/afterwork'), ['--version'], { cwd: lean })
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  t.is(stdout, `${version}\n`)
})
