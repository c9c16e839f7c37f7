import { basename } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Random } from '../crash/random.ts'
import { Debian } from './debian.ts'
import type { CorpusFile } from './file.ts'
import { filesOf, folderOf, installed, mutations, provide, samples } from './gather.ts'
import { groupOf } from './group.ts'
import { made } from './made.ts'
import type { Options } from './options.ts'
import { sources } from './sources.ts'

const samplesFolder = fileURLToPath(new URL('../../test/workers/samples', import.meta.url))
const modulesFolder = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** The files that the options ask for; throws an Error of one line when there is none. */
export async function choose(options: Options, say: (line: string) => void): Promise<CorpusFile[]> {
  const { files, only, sample, seed } = options
  if (files.length > 0)
    return files.map((path) => ({ path, source: 'asked for', group: groupOf(basename(path)) ?? 'other' }))
  const isAsked = ({ group }: CorpusFile) => only === null || group === only
  const ours = (await samples(samplesFolder)).filter(isAsked)
  const shipped = [
    ...(await installed(modulesFolder)),
    ...(sample === null ? await provided(options, say) : await cached(options)),
  ].filter(isAsked)
  const own = sample === null ? (await made(options.cache)).filter(isAsked) : []
  const all = [...ours, ...shipped]
  if (all.length === 0) throw new Error('Expected files to try, got none')
  return sample === null
    ? [...own, ...all, ...(await mutations(all, seed))]
    : await pick(ours, shipped, sample, new Random(seed))
}

async function provided({ cache }: Options, say: (line: string) => void): Promise<CorpusFile[]> {
  await mkdir(cache, { recursive: true })
  const debian = new Debian(`${cache}/apt`)
  const found: CorpusFile[] = []
  for (const source of sources) {
    try {
      const files = await filesOf(source, await provide(source, cache, debian))
      say(`${source.name}: ${files.length} files (${source.licence})`)
      found.push(...files)
    } catch (error) {
      say(`${source.name}: skipped, ${(error as Error).message}`)
    }
  }
  return found
}

/** What earlier runs have downloaded. */
async function cached({ cache }: Options): Promise<CorpusFile[]> {
  const found = await Promise.all(
    sources.map((source) => filesOf(source, folderOf(source, cache)).catch(() => [])),
  )
  return found.flat()
}

/** All samples, as many of others as of samples, and damaged copies for the rest. */
async function pick(
  ours: readonly CorpusFile[],
  shipped: readonly CorpusFile[],
  count: number,
  random: Random,
): Promise<CorpusFile[]> {
  const others = shuffled(shipped, random).slice(0, Math.max(ours.length, Math.floor(count / 3)))
  const whole = [...ours, ...others].slice(0, count)
  const damaged: CorpusFile[] = []
  while (damaged.length < count - whole.length) {
    const more = await mutations(shuffled([...ours, ...others], random), random.between(0, 2 ** 32 - 1))
    if (more.length === 0) break
    damaged.push(...more)
  }
  return [...whole, ...damaged.slice(0, count - whole.length)]
}

/** Each order as likely as any other (Fisher and Yates; Durstenfeld, 1964). */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items]
  for (let at = copy.length - 1; at > 0; at--) {
    const other = random.between(0, at)
    ;[copy[at], copy[other]] = [copy[other]!, copy[at]!]
  }
  return copy
}
