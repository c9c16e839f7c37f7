/** The file of one of the engine's threads, with the extension that this file has: the sources run as they are, too. */
export function threadFile(name: 'store' | 'reader'): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./${name}/entry.${extension}`, import.meta.url)
}
