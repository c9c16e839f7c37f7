import { isId } from './id.ts'

/** A file that a request brought, as a task gets it. */
export interface StoredFile {
  id: string
  /** What the client called it, at most 255 characters: data, never a path; slashes and control characters included. */
  name: string
  /** The media type the client claimed. */
  type: string
  /** Bytes. */
  size: number
  /** Where it is, absolute; the last part is the id. */
  path: string
}

const maxDepth = 4

/** The stored files among the arguments of a call, at most four levels deep, each once. */
export function storedFilesIn(args: readonly unknown[]): StoredFile[] {
  const found = new Map<string, StoredFile>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > maxDepth || ArrayBuffer.isView(value)) return
    if (isStoredFile(value)) found.set(value.id, value)
    else for (const item of Object.values(value)) visit(item, depth + 1)
  }
  visit(args, 0)
  return [...found.values()]
}

/** Whether an object is what the upload preset gives a handler. */
export function isStoredFile(value: object): value is StoredFile {
  const { id, name, type, size, path } = value as Partial<StoredFile>
  return (
    isId(id) &&
    typeof path === 'string' &&
    path.endsWith(id) &&
    typeof name === 'string' &&
    typeof type === 'string' &&
    typeof size === 'number'
  )
}
