import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** What `npm pack` made. */
export interface Tarball {
  file: string
  /** Bytes. */
  size: number
  /** Paths in it. */
  files: string[]
}

/** Packs what was built. */
export async function pack(folder: string): Promise<Tarball> {
  const stdout = await npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder)
  const packed = JSON.parse(stdout) as [{ filename: string; size: number; files: { path: string }[] }]
  const [{ filename, size, files }] = packed
  return { file: join(folder, filename), size, files: files.map(({ path }) => path) }
}

/** Makes an empty project and installs packages in it, running none of their scripts. */
export async function createProject(folder: string, ...packages: string[]): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  await npm(folder, 'install', ...quietly, ...packages)
  return folder
}

/** The program of another Node.js, from npm; kept in the folder for temporary files, for it is large. */
export async function otherNode(version: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const kept = join(tmpdir(), `afterwork-test-node-${version}-${userInfo().uid}`)
  const program = join('node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node')
  if (!(await isOurs(join(kept, program)))) {
    // Elsewhere first, so that nobody finds half of it.
    const fresh = await mkdtemp(`${kept}-`)
    await createProject(fresh, `${name}@${version}`)
    await rename(fresh, kept).catch(async (error: unknown) => {
      await rm(fresh, { recursive: true })
      // Another test was faster.
      if (!(await isOurs(join(kept, program)))) throw error
    })
  }
  return join(kept, program)
}

/** Runs npm as if no other npm had started this process; gives what it prints. */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const own = /^npm_(package|lifecycle|command|config_local_prefix|config_node_gyp)/
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !own.test(key)))
  const { stdout } = await run('npm', args, { cwd, env, maxBuffer: 64 * 1024 ** 2 })
  return stdout
}

/** Whether it is there and of this user: a program that another put there would not be run. */
async function isOurs(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => null)
  return found !== null && (process.platform === 'win32' || found.uid === userInfo().uid)
}
