/** What the service needs besides the library: peers of the package, which npm does not install by itself. */
const peers = [
  '@koa/bodyparser',
  '@koa/multer',
  'file-type',
  'koa',
  'multer',
  'nodemailer',
  'prom-client',
  'sharp',
]

/** Those of them that are not installed, with the one whose import failed: all are told at once, not one a try. */
export function missingPeers(failed: string): string[] {
  const missing = peers.filter((name) => !isInstalled(name))
  return missing.includes(failed) ? missing : [failed, ...missing]
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
