/** The file of the engine's thread, with the extension that this file has: the sources run as they are, too. */
export function threadFile(name: 'leases'): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./${name}/entry.${extension}`, import.meta.url)
}
