import { adding } from './schema/adding.ts'
import { attempting } from './schema/attempting.ts'
import { basics } from './schema/basics.ts'
import { claiming } from './schema/claiming.ts'
import { keeping } from './schema/keeping.ts'
import { steering } from './schema/steering.ts'
import { turns } from './schema/turns.ts'

export { flag, leaseSeconds, rowState } from './schema/state.ts'
export { migrations } from './schema/tables.ts'

/**
 * The functions of the `postgres:` engine, in a schema of their own beside that of pg-boss, in an order in which each knows
 * those that it calls. `$s` stands for the schema, `$b` for that of pg-boss, `$c` for the channel of NOTIFY, `$lock` for a
 * number of the schema. Written anew with each version of the package that differs; `version.functions` says which.
 */
export const functions: readonly string[] = [
  ...basics,
  ...turns,
  ...adding,
  ...claiming,
  ...attempting,
  ...steering,
  ...keeping,
]
