/**
 * Calls `add` from so many loops at a time, each waiting for its add before it makes the next, while `more` says so.
 * Gives how many were made; rejects when one was.
 */
export async function addConcurrently(
  adders: number,
  more: (made: number) => boolean,
  add: () => Promise<unknown>,
): Promise<number> {
  let made = 0
  async function keepAdding(): Promise<void> {
    while (more(made)) {
      made++
      await add()
    }
  }
  await Promise.all(Array.from({ length: adders }, keepAdding))
  return made
}

/** For `more`: until so many seconds from now have passed. */
export function forSeconds(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1_000
  return () => performance.now() < end
}

/** For `more`: until so many were made. */
export function times(count: number): (made: number) => boolean {
  return (made) => made < count
}

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}
