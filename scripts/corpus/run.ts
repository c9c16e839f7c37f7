import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { knownCodes } from './codes.ts'
import type { CorpusFile } from './file.ts'
import { judge, limits, type Offence } from './judge.ts'
import { Lane } from './lane.ts'
import { mutate } from './mutation.ts'
import type { Options } from './options.ts'
import { codesTable, extremes, nameOf, offenceLines, summary, type Verdict } from './report.ts'
import type { Trial } from './trial.ts'

/** Every so many files, one is processed twice. */
const repeated = 5
/** How far it is, is told every so many files. */
const toldEvery = 1_000
/** A process is renewed after so many files, so that what one leaves behind can be told from what all do. */
const filesPerProcess = 500
/** File descriptors that a process may hold more than after its first files. */
const maxDescriptors = 16
/** After so many files all libraries are loaded. */
const warm = 40

/** Tries every file, prints what became of them, and tells whether none did what no file may do and all were tried. */
export async function run(
  files: readonly CorpusFile[],
  options: Options,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const codes = await knownCodes()
  const verdicts: Verdict[] = []
  const waiting = files.values()
  let number = 0

  const work = async (): Promise<void> => {
    const lane = new Lane()
    let [tried, atFirst] = [0, Infinity]
    try {
      for (const file of waiting) {
        if (signal.aborted) return
        const trial = await lane.try(
          file,
          options.timeout,
          options.files.length > 0 || number++ % repeated === 0,
        )
        // Ctrl-C ends the subjects as well, which is no offence of a file.
        if (signal.aborted) return
        const offences = judge(trial, codes)
        tried++
        const open = trial.seen?.descriptors ?? null
        if (open !== null && tried === warm) atFirst = open
        if (open !== null && open - atFirst > maxDescriptors)
          offences.push({ rule: 'left', why: `Expected about ${atFirst} open descriptors, got ${open}` })
        const kept = offences.length > 0 ? await keep(trial, offences) : null
        verdicts.push({ trial, offences, kept })
        if (verdicts.length % toldEvery === 0) say(`${verdicts.length} of ${files.length}`)
        if (tried === filesPerProcess || mustRenew(offences, trial)) {
          await lane.renew()
          ;[tried, atFirst] = [0, Infinity]
        }
      }
    } finally {
      await lane.stop()
    }
  }

  async function keep({ file }: Trial, offences: Offence[]): Promise<string | null> {
    say(`${nameOf(file)}: ${offences.map(({ rule }) => rule).join(', ')}`)
    if (file.mutation === undefined && options.keep === null) return null
    const folder = options.keep ?? join(options.cache, 'offenders')
    await mkdir(folder, { recursive: true })
    const extension = extname(file.path)
    const name = basename(file.path, extension)
    if (file.mutation === undefined) {
      const path = join(folder, `${file.source}-${name}${extension}`)
      await copyFile(file.path, path)
      return path
    }
    const { kind, seed } = file.mutation
    const path = join(folder, `${file.source}-${name}-${kind}-${seed}${extension}`)
    await writeFile(path, mutate(await readFile(file.path), file.mutation))
    return path
  }

  await Promise.all(Array.from({ length: Math.min(options.jobs, files.length) }, work))

  const order = new Map(files.map((file, index) => [file, index]))
  verdicts.sort((a, b) => order.get(a.trial.file)! - order.get(b.trial.file)!)
  if (options.files.length > 0) for (const { trial } of verdicts) tell(trial, say)
  const guilty = verdicts.filter(({ offences }) => offences.length > 0).length
  for (const part of [summary, codesTable, extremes, offenceLines]) {
    say('')
    for (const line of part(verdicts)) say(line)
  }
  if (signal.aborted)
    say(`\n${(signal.reason as Error).message}, ${files.length - verdicts.length} not tried`)
  say(`\n${verdicts.length - guilty} passed, ${guilty} failed`)
  return guilty === 0 && !signal.aborted
}

/** Memory that is not given back, or a thread that was lost, would be charged to the files that follow. */
function mustRenew(offences: readonly Offence[], { seen }: Trial): boolean {
  const isLarge = seen !== null && seen.peak - seen.idle > limits.memory / 2
  return isLarge || offences.some(({ rule }) => rule !== 'code')
}

/** All that is known of a file that was asked for by its name. */
function tell({ file, seen, exit, printed }: Trial, say: (line: string) => void): void {
  say(`\n${nameOf(file)}`)
  if (exit !== null) say(`the process ${exit}`)
  if (printed !== '') say(printed)
  if (seen?.error) say(`${seen.error.code ?? 'no code'}: ${seen.error.stack}`)
  if (seen?.result) say(JSON.stringify(JSON.parse(seen.result), null, 2).slice(0, 20_000))
}
