import { watch, type Dirent, type FSWatcher } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { AfterworkError } from '../../core/errors.ts'

/** How long nothing may happen until a burst of events counts as over, in milliseconds. */
const settle = 100
/** A burst that does not end is looked at after so many milliseconds all the same. */
const longest = 1_000

/** Folders whose files are nobody's sources, wherever they are. */
const ignoredFolders = new Set(['node_modules', 'dist', 'data'])
/** What editors write beside the file, and hidden files. */
const ignored = /^\.|^4913$|~$|\.(?:sw[a-p]|tmp|bak)$/

/** A folder that is watched; another of the same path may come in its place. */
interface Watched {
  watcher: FSWatcher
  identity: string
}

/**
 * Tells which files of some folders were changed, added or removed. Events only say that it is time to look: what has
 * changed is what differs from the look before, so that none is missed and a file that came and went is none.
 */
export class Tree {
  readonly #root: string
  readonly #folders: readonly string[]
  readonly #changed: (files: string[]) => void
  readonly #watchers = new Map<string, Watched>()
  #files = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #since: number | undefined
  #looking: Promise<void> | undefined
  #stopped = false

  /**
   * @param root path of the folder that holds the folders
   * @param changed gets paths relative to `root`, at most once for a burst of changes
   */
  constructor(root: string, folders: readonly string[], changed: (files: string[]) => void) {
    this.#root = root
    this.#folders = folders
    this.#changed = changed
  }

  /**
   * Watches from now on.
   * @throws AFTERWORK_BAD_OPTION when the system lets no more folders be watched
   */
  async start(): Promise<void> {
    // A folder that is removed and made again is seen in the one above it.
    await this.#watch(this.#root)
    this.#files = await this.#look()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #wake(): void {
    const now = performance.now()
    this.#since ??= now
    clearTimeout(this.#timer)
    const wait = Math.max(0, Math.min(settle, this.#since + longest - now))
    this.#timer = setTimeout(() => {
      this.#since = undefined
      // One look at a time; what happens meanwhile is seen by the next.
      this.#looking = (this.#looking ?? Promise.resolve()).then(() => this.#compare())
    }, wait)
  }

  async #compare(): Promise<void> {
    const before = this.#files
    const files = await this.#look().catch((error: unknown) => {
      process.stderr.write(`afterwork: ${(error as Error).message}\n`)
      return before
    })
    this.#files = files
    const names = new Set([...before.keys(), ...files.keys()])
    const changed = [...names].filter((name) => before.get(name) !== files.get(name))
    if (changed.length > 0 && !this.#stopped) this.#changed(changed.sort())
  }

  /** Every file with what tells its contents apart; folders that are new are watched. */
  async #look(): Promise<Map<string, string>> {
    const files = new Map<string, string>()
    const seen = new Set([this.#root])
    const visit = async (folder: string): Promise<void> => {
      seen.add(folder)
      // Before it is read: what comes later is told.
      await this.#watch(folder)
      for (const entry of await entriesOf(folder)) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) {
          if (!ignoredFolders.has(entry.name) && !ignored.test(entry.name)) await visit(path)
        } else if (!ignored.test(entry.name)) {
          const print = await fingerprint(path)
          if (print !== undefined) files.set(relative(this.#root, path).replaceAll(sep, '/'), print)
        }
      }
    }
    for (const folder of this.#folders) await visit(join(this.#root, folder))
    for (const folder of this.#watchers.keys()) if (!seen.has(folder)) this.#forget(folder)
    return files
  }

  /** One watcher a folder: those of Node.js for whole trees lose files that are replaced on some systems. */
  async #watch(folder: string): Promise<void> {
    const identity = await identityOf(folder)
    if (this.#watchers.get(folder)?.identity === identity) return
    this.#forget(folder)
    if (identity === undefined || this.#stopped) return
    try {
      const watcher = watch(folder)
      this.#watchers.set(folder, { watcher, identity })
      watcher.on('change', () => this.#wake())
      // Some systems say so when the folder goes; the one above it tells that, too.
      watcher.on('error', () => watcher.close())
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      throw new AfterworkError('AFTERWORK_BAD_OPTION', `--watch: ${folder} cannot be watched: ${message}`, {
        cause,
      })
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.watcher.close()
    this.#watchers.delete(folder)
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch {
    // It went while this looked, which wakes it once more.
    return []
  }
}

async function identityOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder).catch(() => undefined)
  return found && `${found.ino} ${found.birthtimeMs}`
}

async function fingerprint(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined)
  return found?.isFile() ? `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` : undefined
}
