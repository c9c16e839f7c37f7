/** Builds dist/: what is published and what `npm start` runs. */
import { execSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

rmSync(`${root}/dist`, { recursive: true, force: true })
try {
  execSync('tsc -p tsconfig.build.json', { cwd: root, stdio: 'inherit' })
} catch {
  process.exit(1)
}
cpSync(`${root}/src/service/page`, `${root}/dist/src/service/page`, { recursive: true })
