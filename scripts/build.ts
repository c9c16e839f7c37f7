/** Builds dist/: what is published and what `npm start` runs. */
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

rmSync(`${root}/dist`, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
  shell: true,
})
if (status !== 0) process.exit(status ?? 1)
cpSync(`${root}/src/service/page`, `${root}/dist/src/service/page`, { recursive: true })
