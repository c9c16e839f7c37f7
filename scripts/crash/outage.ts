/** When the database was not there, in milliseconds since 1970. */
export interface Outage {
  from: number
  until: number
}

/** In milliseconds. */
export function lengthOf({ from, until }: Outage): number {
  return until - from
}
