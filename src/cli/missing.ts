import { readFileSync } from 'node:fs'
import { AfterworkError } from '../core/errors.ts'

/** What only a queue in PostgreSQL needs, which says so itself (queue/postgres/peers.ts). */
const ofQueues = ['pg', 'pg-boss']

/**
 * What the service needs besides the library are peers of the package, which npm does not install by itself: all that
 * are missing are told at once, before the first file that some reader cannot read.
 * @throws AFTERWORK_PACKAGE_MISSING with the command that brings them
 */
export function requirePeers(): void {
  const missing = peers().filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  throw new AfterworkError(
    'AFTERWORK_PACKAGE_MISSING',
    `the service needs ${missing.join(', ')}: npm install ${missing.join(' ')}`,
  )
}

function peers(): string[] {
  const manifest = readFileSync(new URL(import.meta.resolve('afterwork/package.json')), 'utf8')
  const { peerDependencies } = JSON.parse(manifest) as { peerDependencies: Record<string, string> }
  const others = Object.keys(peerDependencies).filter((name) => !name.startsWith('@types/'))
  return others.filter((name) => !ofQueues.includes(name))
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
