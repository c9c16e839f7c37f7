/** Imported first, it makes a machine that has of the peers of the package only those of a queue in PostgreSQL. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
const { peerDependencies } = JSON.parse(manifest) as { peerDependencies: Record<string, string> }
const missing = Object.keys(peerDependencies).filter((name) => name !== 'pg' && name !== 'pg-boss')

registerHooks({
  resolve: (name, context, next) => next(missing.includes(name) ? 'not-installed-at-all' : name, context),
})
