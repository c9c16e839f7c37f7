import { appendFile, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Tree } from '../../../src/cli/watch/tree.ts'
import { temporaryFolder } from '../../support/folder.ts'

/** How long a test waits for a change to be told, in milliseconds. */
const deadline = 90_000

/** What a tree tells, burst by burst. */
class Watching {
  readonly root: string
  readonly told: string[][] = []
  bursts = 0
  #look = (): void => {}

  constructor(root: string) {
    this.root = root
  }

  heard(files: string[]): void {
    this.told.push(files)
    this.bursts++
    this.#look()
  }

  path(file: string): string {
    return join(this.root, file)
  }

  /** All files told of since the last call, once these are among them. */
  async next(...wanted: string[]): Promise<string[]> {
    const since = performance.now()
    const timer = setTimeout(() => this.#look(), deadline)
    for (;;) {
      const all = new Set(this.told.flat())
      if (wanted.every((file) => all.has(file))) {
        clearTimeout(timer)
        this.told.length = 0
        return [...all].sort()
      }
      if (performance.now() - since >= deadline)
        throw new Error(`Expected ${wanted.join(', ')}, was told of ${[...all].join(', ') || 'nothing'}`)
      await new Promise<void>((resolve) => (this.#look = resolve))
    }
  }
}

async function watching(t: ExecutionContext): Promise<Watching> {
  const seen = new Watching(await temporaryFolder(t))
  await mkdir(seen.path('src/deep'), { recursive: true })
  await mkdir(seen.path('workers'))
  await writeFile(seen.path('src/a.ts'), '1')
  await writeFile(seen.path('src/deep/b.ts'), '1')
  await writeFile(seen.path('workers/c.ts'), '1')
  const tree = new Tree(seen.root, ['src', 'workers'], (files) => seen.heard(files))
  await tree.start()
  t.teardown(() => tree.stop())
  return seen
}

test('a change of each file is told, again and again', async (t) => {
  const seen = await watching(t)
  for (const file of ['src/a.ts', 'src/deep/b.ts', 'workers/c.ts', 'src/a.ts', 'workers/c.ts']) {
    await appendFile(seen.path(file), 'more')
    t.deepEqual(await seen.next(file), [file])
  }
})

test('an editor that writes another file and puts it in place changes one file, each time', async (t) => {
  const seen = await watching(t)
  for (let i = 0; i < 3; i++) {
    await writeFile(seen.path('src/.a.ts.swp'), 'x')
    await writeFile(seen.path('src/4913'), '')
    await rm(seen.path('src/4913'))
    await writeFile(seen.path('src/a.ts~'), '2')
    await rename(seen.path('src/a.ts~'), seen.path('src/a.ts'))
    t.deepEqual(await seen.next('src/a.ts'), ['src/a.ts'])
  }
})

test('new files, removed files and whole new folders are told', async (t) => {
  const seen = await watching(t)
  await writeFile(seen.path('workers/new.ts'), '')
  t.deepEqual(await seen.next('workers/new.ts'), ['workers/new.ts'])
  await rm(seen.path('workers/new.ts'))
  t.deepEqual(await seen.next('workers/new.ts'), ['workers/new.ts'])

  await mkdir(seen.path('src/x/y/z'), { recursive: true })
  await writeFile(seen.path('src/x/y/z/d.ts'), '')
  t.deepEqual(await seen.next('src/x/y/z/d.ts'), ['src/x/y/z/d.ts'])
  await appendFile(seen.path('src/x/y/z/d.ts'), 'more')
  t.deepEqual(await seen.next('src/x/y/z/d.ts'), ['src/x/y/z/d.ts'])
})

test('a folder that is replaced by another is watched on, and so is one that is moved', async (t) => {
  const seen = await watching(t)
  for (let i = 0; i < 3; i++) {
    await rm(seen.path('workers'), { recursive: true })
    await mkdir(seen.path('workers'))
    await writeFile(seen.path('workers/c.ts'), String(i))
    await seen.next('workers/c.ts')
    await appendFile(seen.path('workers/c.ts'), 'more')
    t.deepEqual(await seen.next('workers/c.ts'), ['workers/c.ts'])
  }
  await rm(seen.path('workers'), { recursive: true })
  await seen.next('workers/c.ts')
  await mkdir(seen.path('workers'))
  await writeFile(seen.path('workers/c.ts'), 'back')
  t.deepEqual(await seen.next('workers/c.ts'), ['workers/c.ts'])

  await rename(seen.path('src/deep'), seen.path('src/moved'))
  t.deepEqual(await seen.next('src/moved/b.ts'), ['src/deep/b.ts', 'src/moved/b.ts'])
  await appendFile(seen.path('src/moved/b.ts'), 'more')
  t.deepEqual(await seen.next('src/moved/b.ts'), ['src/moved/b.ts'])
})

test('a burst of changes is told at once, when it is over', async (t) => {
  const seen = await watching(t)
  const files = Array.from({ length: 200 }, (_, i) => `src/deep/${i}.ts`)
  for (const file of files) await writeFile(seen.path(file), 'x')
  await seen.next(...files)
  t.true(seen.bursts <= 2, `${seen.bursts} times: a burst is told at its end, or after a second`)
})

test('what is no source is not told: packages, builds, data, hidden files, other folders', async (t) => {
  const seen = await watching(t)
  for (const folder of ['src/node_modules/a', 'src/dist', 'workers/data', 'src/.git', 'data']) {
    await mkdir(seen.path(folder), { recursive: true })
    await writeFile(seen.path(`${folder}/file.ts`), '')
  }
  await writeFile(seen.path('README.md'), '')
  await writeFile(seen.path('src/deep/.hidden'), '')
  await writeFile(seen.path('src/last.ts'), '')
  t.deepEqual(await seen.next('src/last.ts'), ['src/last.ts'])
})

test('a look that finds the same bytes but another time counts; one that finds nothing new does not', async (t) => {
  const seen = await watching(t)
  await utimes(seen.path('src/a.ts'), new Date(), new Date(0))
  t.deepEqual(await seen.next('src/a.ts'), ['src/a.ts'])
  await writeFile(seen.path('src/passing.ts'), '')
  await rm(seen.path('src/passing.ts'))
  await writeFile(seen.path('src/last.ts'), '')
  t.deepEqual(await seen.next('src/last.ts'), ['src/last.ts'])
})
