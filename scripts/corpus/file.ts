import type { Group } from './group.ts'
import type { Mutation } from './mutation.ts'

/** One file to try. */
export interface CorpusFile {
  /** Where its content, or that of the file it is made of, is; absolute. */
  path: string
  /** Where it comes from, such as `samples` or `qpdf`. */
  source: string
  group: Group
  /** How it is damaged before it is tried. */
  mutation?: Mutation
}
