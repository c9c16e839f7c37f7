import { badOption } from './errors.ts'

/** Bytes, or a number with a unit of powers of 1024: '500KB', '512MB', '1GB'. */
export type Size = number | `${number}${'B' | 'KB' | 'MB' | 'GB'}`

const units = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

/** Bytes of a size; throws AFTERWORK_BAD_OPTION naming `what` when it is none. */
export function bytes(size: unknown, what: string): number {
  if (typeof size === 'number' && Number.isFinite(size) && size >= 1) return Math.floor(size)
  const match = typeof size === 'string' ? /^(\d+(?:\.\d+)?) ?(B|KB|MB|GB)$/i.exec(size) : null
  const count =
    match === null ? 0 : Math.floor(Number(match[1]) * units[match[2]!.toUpperCase() as keyof typeof units])
  if (count >= 1 && count <= Number.MAX_SAFE_INTEGER) return count
  throw badOption(what, `a size such as '500KB', '200MB' or '1GB'`, size)
}
