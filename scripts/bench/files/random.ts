/** Whole numbers from 0 to 2^32 - 1, the same ones from each seed: xorshift, G. Marsaglia 2003. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
