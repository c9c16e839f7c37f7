import type * as Pg from 'pg'
import type * as PgBoss from 'pg-boss'
import { importPeer } from '../../core/peer.ts'

const needed = 'A queue in PostgreSQL needs the packages pg and pg-boss'
const install = 'pg pg-boss@12.35.0'

/** @throws AFTERWORK_PACKAGE_MISSING */
export function importPg(): Promise<typeof Pg> {
  return importPeer(needed, install, () => import('pg'))
}

/** @throws AFTERWORK_PACKAGE_MISSING */
export function importPgBoss(): Promise<typeof PgBoss> {
  return importPeer(needed, install, () => import('pg-boss'))
}
