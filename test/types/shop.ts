import type { StoredFile } from 'afterwork/worker'

/** A module of tasks with every kind of signature, for the compiler only. */
export class Account {
  readonly owner: string

  constructor(owner: string) {
    this.owner = owner
  }

  close(): void {}
}

export interface Order {
  id: number
  lines: { article: string; count: number }[]
  at?: Date
}

export async function ship(order: Order, options: { express?: boolean } = {}): Promise<{ parcel: string }> {
  return { parcel: `${order.id}${options.express === true ? '!' : ''}` }
}

export function join(separator: string, ...names: string[]): string {
  return names.join(separator)
}

export function remind(address: string, after?: number): bigint {
  return BigInt(address.length + (after ?? 0))
}

export async function scan(file: StoredFile): Promise<Uint8Array> {
  return new Uint8Array(file.size)
}

export function sweep(): void {}

export function notify(address: string, done: () => void): void {
  if (address !== '') done()
}

export function charge(account: Account): void {
  account.close()
}

export function count(stock: Map<string, number>): number {
  return stock.size
}

export default function main(...values: (number | null)[]): number {
  return values.length
}

export function teardown(): void {}

export const version = 3
