import { AfterworkError } from './errors.ts'

/**
 * Imports a package that not everybody needs, and that npm therefore does not install by itself.
 * @param needed what an error says, up to the colon, such as 'Metrics need the package prom-client'
 * @param install what is to be installed, such as 'prom-client'
 * @throws AFTERWORK_PACKAGE_MISSING with the command that brings it
 * @example
 * const client = await importPeer('Metrics need the package prom-client', 'prom-client', () => import('prom-client'))
 */
export async function importPeer<T>(needed: string, install: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new AfterworkError('AFTERWORK_PACKAGE_MISSING', `${needed}: npm install ${install}`, { cause })
  }
}
