import { Random } from '../crash/random.ts'

/** A way to damage a file; the seed decides where. */
export interface Mutation {
  kind: MutationKind
  seed: number
}

const damages = {
  /** A download that broke off. */
  cut: (bytes, random) => bytes.subarray(0, random.between(0, Math.max(0, bytes.length - 1))),
  /** A bad disk: up to one bit in a thousand bytes, at least eight. */
  bits: (bytes, random) => {
    const flips = Math.max(8, Math.ceil(bytes.length / 1_000))
    for (let flip = 0; flip < flips; flip++) {
      const at = random.between(0, bytes.length - 1)
      bytes[at]! ^= 1 << random.between(0, 7)
    }
    return bytes
  },
  /** One bad byte among the first hundred: where formats say what follows. */
  header: (bytes, random) => {
    bytes[random.between(0, Math.min(99, bytes.length - 1))] = random.between(0, 255)
    return bytes
  },
  /** A hole, as a crash of a file system leaves one. */
  zeroes: (bytes, random) => {
    const [from, to] = range(bytes, random)
    return bytes.fill(0, from, to)
  },
  /** Two halves of a range change places. */
  swap: (bytes, random) => {
    const [from, to] = range(bytes, random)
    const middle = from + Math.floor((to - from) / 2)
    const first = bytes.slice(from, middle)
    bytes.copyWithin(from, middle, to)
    bytes.set(first, to - first.length)
    return bytes
  },
  /** The beginning once more, in the middle of the file. */
  repeat: (bytes, random) => {
    const header = bytes.subarray(0, random.between(1, Math.min(bytes.length, 512)))
    const at = random.between(0, bytes.length)
    return Buffer.concat([bytes.subarray(0, at), header, bytes.subarray(at)])
  },
  /** The largest size there is, wherever there may be one. */
  sizes: (bytes, random) => {
    for (let size = 0; size < 4; size++) {
      const at = random.between(0, Math.max(0, bytes.length - 4))
      bytes.fill(0xff, at, Math.min(at + 4, bytes.length))
    }
    return bytes
  },
  /** The end of another time: a range is there twice. */
  double: (bytes, random) => {
    const [from, to] = range(bytes, random)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  /** Noise in place of a range. */
  noise: (bytes, random) => {
    const [from, to] = range(bytes, random)
    bytes.set(random.bytes(Math.min(to - from, 4_096)), from)
    return bytes
  },
} satisfies Record<string, (bytes: Buffer, random: Random) => Buffer>

export type MutationKind = keyof typeof damages

export const mutationKinds = Object.keys(damages) as readonly MutationKind[]

/** A damaged copy; the same mutation gives the same bytes. An empty file stays as it is. */
export function mutate(content: Buffer, { kind, seed }: Mutation): Buffer {
  if (content.length === 0) return content
  return damages[kind](Buffer.from(content), new Random(seed))
}

/** Part of a file, anything from a byte to a quarter of it. */
function range(bytes: Buffer, random: Random): [from: number, to: number] {
  const length = random.between(1, Math.max(1, Math.floor(bytes.length / 4)))
  const from = random.between(0, bytes.length - length)
  return [from, from + length]
}
