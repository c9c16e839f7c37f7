import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from './command.ts'

/** Unpacks a tar file, compressed or not; GNU tar lets no name leave the folder. */
export async function unpackTar(archive: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const safe = ['--no-same-owner', '--no-same-permissions', '--delay-directory-restore']
  await command(folder, 'tar', ['--extract', ...safe, '--file', archive, '--directory', folder])
  await decodeUuencoded(folder)
}

/** Unpacks a binary package of Debian's. */
export async function unpackDeb(archive: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await command(folder, 'dpkg-deb', ['--extract', archive, folder])
}

/** libarchive ships its archives as text: each `x.uu` gets its `x` beside it. */
async function decodeUuencoded(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.uu')) continue
    const path = join(entry.parentPath, entry.name)
    await writeFile(path.slice(0, -'.uu'.length), uudecode(await readFile(path, 'latin1')))
  }
}

/** What a uuencoded text stands for (POSIX, uuencode, the historical algorithm). */
export function uudecode(text: string): Buffer {
  const parts: Buffer[] = []
  const lines = text.split(/\r?\n/)
  const begin = lines.findIndex((line) => /^begin [0-7]+ /.test(line))
  for (const line of lines.slice(begin + 1)) {
    if (line === 'end') break
    const value = (at: number) => ((line.charCodeAt(at) || 32) - 32) & 63
    const decoded = Buffer.alloc(Math.ceil(value(0) / 3) * 3)
    for (let from = 1, to = 0; to < decoded.length; from += 4, to += 3) {
      const bits = (value(from) << 18) | (value(from + 1) << 12) | (value(from + 2) << 6) | value(from + 3)
      decoded.writeUIntBE(bits, to, 3)
    }
    parts.push(decoded.subarray(0, value(0)))
  }
  return Buffer.concat(parts)
}
