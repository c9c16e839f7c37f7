import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from './command.ts'

/**
 * Debian's archive, asked with lists and settings of our own: the system's apt is neither changed nor needs to be set
 * up for sources. Where packages come from is taken from its configuration.
 */
export class Debian {
  readonly #folder: string
  readonly #keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  #ready: Promise<void> | undefined

  /** @param folder for the lists of packages, absolute */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Downloads the binary package of the first name that there is, and gives the path of the archive. */
  async binary(names: readonly string[], folder: string): Promise<string> {
    await (this.#ready ??= this.#prepare())
    let reason: unknown
    for (const name of names) {
      try {
        await command(folder, 'apt-get', [...this.#settings, '--quiet', 'download', name])
        return join(
          folder,
          (await readdir(folder)).find((file) => file.endsWith('.deb'))!,
        )
      } catch (error) {
        reason = error
      }
    }
    throw reason
  }

  /** Downloads what the authors of a source package published, and gives the paths of the archives. */
  async source(name: string, folder: string): Promise<string[]> {
    await (this.#ready ??= this.#prepare())
    await command(folder, 'apt-get', [
      ...this.#settings,
      '--quiet',
      'source',
      '--download-only',
      '--tar-only',
      name,
    ])
    const files = await readdir(folder)
    return files.filter((file) => /\.orig(-\w+)?\.tar\.\w+$/.test(file)).map((file) => join(folder, file))
  }

  get #settings(): string[] {
    const settings = {
      'Dir::Etc::SourceList': join(this.#folder, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::State::Lists': join(this.#folder, 'lists'),
      'Dir::Cache': this.#folder,
      'APT::Sandbox::User': 'root',
      'Acquire::Retries': '3',
    }
    return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  }

  async #prepare(): Promise<void> {
    await mkdir(join(this.#folder, 'lists', 'partial'), { recursive: true })
    await mkdir(join(this.#folder, 'archives', 'partial'), { recursive: true })
    const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)'
    const args = ['indextargets', '--format', format, 'Created-By: Packages']
    const targets = new Set((await command(this.#folder, 'apt-get', args)).trim().split('\n'))
    const debian = [...targets].filter((target) => /\/debian(-security)?\/? /.test(target))
    if (debian.length === 0) throw new Error("apt's configuration names no archive of Debian's")
    const lines = ['deb', 'deb-src'].flatMap((type) =>
      debian.map((target) => `${type} [signed-by=${this.#keyring}] ${target}\n`),
    )
    await writeFile(join(this.#folder, 'sources.list'), lines.join(''))
    await command(this.#folder, 'apt-get', [...this.#settings, '--quiet', 'update'])
  }
}
