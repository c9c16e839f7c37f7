/** What a process is there for: `serve` takes requests and runs tasks, the others do one of both. */
export type Role = 'serve' | 'serve --no-work' | 'work'

/** What a deployment has first; all further processes only work. */
const first: readonly Role[] = ['serve', 'work', 'serve --no-work']

/** The roles of so many processes. */
export function rolesOf(processes: number): Role[] {
  return Array.from({ length: processes }, (_, index) => first[index] ?? 'work')
}

export function takesRequests(role: Role): boolean {
  return role !== 'work'
}
