import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Random } from '../crash/random.ts'
import type { Debian } from './debian.ts'
import type { CorpusFile } from './file.ts'
import { groupOf, type Group } from './group.ts'
import { mutationKinds } from './mutation.ts'
import { downloadNpm } from './npm.ts'
import type { Source } from './sources.ts'
import { unpackDeb, unpackTar } from './unpack.ts'

/** Larger files are tried as they are, but not damaged. */
const maxMutated = 2 * 1024 ** 2
/** Larger ones are left out: a service would refuse them by default. */
const maxSize = 200 * 1024 ** 2
/** How many files of one extension are taken from node_modules: the hundredth icon shows nothing new. */
const maxAlike = 8

/** Downloads and unpacks a source into `cache/files/NAME` unless it is there; throws an Error of one line. */
export async function provide(source: Source, cache: string, debian: Debian): Promise<string> {
  const folder = folderOf(source, cache)
  if (await isThere(folder)) return folder
  await mkdir(join(cache, 'files'), { recursive: true })
  const work = await mkdtemp(join(cache, `${source.name}-`))
  try {
    const unpacked = join(work, 'files')
    if ('npm' in source.from) await unpackTar(await downloadNpm(source.from.npm, work), unpacked)
    else if ('deb' in source.from) await unpackDeb(await debian.binary(source.from.deb, work), unpacked)
    else
      for (const archive of await debian.source(source.from.source, work)) await unpackTar(archive, unpacked)
    await rename(unpacked, folder)
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Where a source's files are once it was provided. */
export function folderOf(source: Source, cache: string): string {
  return join(cache, 'files', source.name)
}

/** The files of a provided source, in the order of their names. */
export async function filesOf(source: Source, folder: string): Promise<CorpusFile[]> {
  const isMeant = (path: string) =>
    source.folders === undefined || source.folders.some((part) => path.split(sep).join('/').includes(part))
  return find(folder, source.name, isMeant)
}

/** The samples of this repository, whatever their names. */
export async function samples(folder: string): Promise<CorpusFile[]> {
  const names = (await readdir(folder)).toSorted()
  return names.map((name) => ({
    path: join(folder, name),
    source: 'samples',
    group: groupOf(name) ?? 'other',
  }))
}

/** What the installed packages ship that somebody might upload: a few of each kind. */
export async function installed(folder: string): Promise<CorpusFile[]> {
  const seen = new Map<string, number>()
  const others = /\.(ttf|otf|woff2?|wasm|node|map)$/i
  const files = await find(folder, 'node_modules', () => true, others)
  return files.filter(({ path }) => {
    const extension = path.slice(path.lastIndexOf('.'))
    const count = (seen.get(extension) ?? 0) + 1
    seen.set(extension, count)
    return count <= maxAlike
  })
}

/** A damaged copy of each file that is not too large for it. */
export async function mutations(files: readonly CorpusFile[], seed: number): Promise<CorpusFile[]> {
  const random = new Random(seed)
  const mutated: CorpusFile[] = []
  for (const file of files) {
    // Taken for every file, so that one file more does not change the mutations of all that follow.
    const own = createHash('sha256').update(`${random.fraction()}`).digest().readUInt32BE(0)
    const { size } = await stat(file.path)
    if (size === 0 || size > maxMutated) continue
    mutated.push({ ...file, mutation: { kind: mutationKinds[own % mutationKinds.length]!, seed: own } })
  }
  return mutated
}

async function find(
  folder: string,
  source: string,
  isMeant: (path: string) => boolean,
  others?: RegExp,
): Promise<CorpusFile[]> {
  const found: CorpusFile[] = []
  for (const entry of (await entriesOf(folder)).filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const group: Group | undefined = groupOf(entry.name) ?? (others?.test(entry.name) ? 'other' : undefined)
    if (group === undefined || !isMeant(path.slice(folder.length))) continue
    if ((await stat(path)).size <= maxSize) found.push({ path, source, group })
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Symbolic links are listed as such and never followed. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { recursive: true, withFileTypes: true })
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined)) !== undefined
}
