/** Node.js 22 warns that node:sqlite is experimental, once a thread; what we need of it is what Node.js 24 calls stable. */
export function hushSqlite(): void {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes('SQLite')) emitWarning(warning, ...(rest as []))
  }) as typeof process.emitWarning
}
