import { isStray } from '../strays.ts'
import { distinct, type Breach, type File, type Finding } from './case.ts'

/** No sweep removed a file that a task names, nor what was made of it. */
export function namedFiles({ evidence }: File): Finding {
  const there = new Set(evidence.folder.after)
  const naming = distinct(evidence).filter(({ file }) => file !== null)
  return {
    promise: 'no file that a task names was removed',
    checked: naming.length,
    breaches: naming.flatMap(({ id, marker, file }): Breach[] => {
      const { id: name, variants } = file!
      const gone = [name, ...variants.map((variant) => `${name}.${variant}`)].filter(
        (each) => !there.has(each),
      )
      if (gone.length === 0) return []
      return [{ marker: marker ?? name, id, why: `names what is gone: ${gone.join(', ')}` }]
    }),
  }
}

/** What kills left in the folder is gone once the service has started again and swept. */
export function strays({ evidence }: File): Finding {
  const named = namedIn(evidence)
  const { before, after } = evidence.folder
  return {
    promise: 'what no task names was swept away',
    checked: before.filter((name) => isStray(name, named)).length,
    breaches: after
      .filter((name) => isStray(name, named))
      .map((name) => ({ marker: name, id: null, why: 'is still there, though no task names it' })),
  }
}

/** The ids of the stored files that tasks name. */
export function namedIn(evidence: Pick<File['evidence'], 'records'>): Set<string> {
  return new Set(
    Array.from(evidence.records.values(), ({ file }) => file?.id).filter((id) => id !== undefined),
  )
}
