/** So many rows, or so many characters of them, go at a time. */
const most = { rows: 1_000, characters: 4_000_000 }

/** Puts what comes one by one into batches that a statement can take, whatever there is of it. */
export function* batches<T>(items: Iterable<T>, sizeOf: (item: T) => number = () => 100): Generator<T[]> {
  let batch: T[] = []
  let size = 0
  for (const item of items) {
    batch.push(item)
    size += sizeOf(item)
    if (batch.length < most.rows && size < most.characters) continue
    yield batch
    batch = []
    size = 0
  }
  if (batch.length > 0) yield batch
}
