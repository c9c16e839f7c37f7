import { createHash } from 'node:crypto'
import sharp from 'sharp'
import type { AskedRequest, AskedTask } from './asked.ts'
import { Random } from './random.ts'
import type { Body } from './send.ts'

/** A request with the bytes and the path it goes out with. */
export interface Outgoing {
  asked: AskedRequest
  path: string
  body: Body
}

/** A file as a client sends it. */
interface Sample {
  name: string
  content: Uint8Array<ArrayBuffer>
  isImage: boolean
}

/** How often each kind of request is made. */
const weights = {
  group: 24,
  mail: 18,
  upload: 12,
  delayed: 12,
  unique: 12,
  followUp: 10,
  watched: 6,
  batch: 6,
  burn: 6,
  flaky: 6,
  refused: 3,
}

/** Few keys, so that a task of the same is often alive. */
const keys = 5

/** Makes the requests of one client: the same for the same seed. */
export class Mix {
  readonly #random: Random
  readonly #name: string
  readonly #samples: Sample[]
  #made = 0

  constructor(seed: number, name: string, samples: Sample[]) {
    this.#random = new Random(seed)
    this.#name = name
    this.#samples = samples
  }

  next(kind: keyof typeof weights = this.#random.weighted(weights)): Outgoing {
    const marker = `${this.#name}r${this.#made++}`
    if (kind === 'upload') return this.#upload(marker)
    const tasks = this.#tasks(kind).map((given, index) => complete(`${marker}.${index}`, given))
    const asked = { marker, tasks, isRefused: kind === 'refused' }
    const content = Buffer.from(JSON.stringify({ asked: tasks, refuse: asked.isRefused }))
    return { asked, path: '/tasks', body: { type: 'application/json', content } }
  }

  /** How long the client thinks before its next request, in milliseconds. */
  pause(): number {
    return this.#random.between(0, 120)
  }

  #tasks(kind: Exclude<keyof typeof weights, 'upload'>): Partial<AskedTask>[] {
    const ms = () => this.#random.between(0, 20)
    switch (kind) {
      case 'group':
        return this.#several(2, 6, () => this.#step())
      case 'mail':
        return this.#several(1, 3, (index) => ({
          kind: 'mail',
          ordered: false,
          delay: this.#random.chance(0.2) ? this.#random.between(100, 1_500) : 0,
          to: `${this.#random.chance(0.1) ? 'busy' : 'ada'}-${this.#name}${this.#made}-${index}@crash.example`,
        }))
      case 'delayed':
        return this.#several(1, 3, () => ({
          ms: ms(),
          ordered: false,
          delay: this.#random.between(50, 3_000),
        }))
      case 'unique':
        return [this.#unique()]
      case 'followUp':
        return [{ kind: 'withFollowUp', ms: ms() }]
      case 'watched':
        return [{ kind: 'watched', ms: ms() }]
      case 'batch':
        return this.#several(10, 30, () => ({ kind: 'tiny', ordered: false }))
      case 'burn':
        return [{ kind: 'burn', ms: this.#random.between(10, 60) }]
      case 'flaky':
        return [{ kind: 'flaky', ms: ms() }]
      case 'refused':
        return this.#several(1, 3, () => ({ ms: 0 }))
    }
  }

  /** What a group is made of: mostly plain, sometimes with what holds it up. */
  #step(): Partial<AskedTask> {
    const ms = this.#random.between(0, 15)
    const kind = this.#random.weighted({ plain: 14, flaky: 2, failing: 2, delayed: 1, unique: 1, free: 1 })
    switch (kind) {
      case 'plain':
        return { ms }
      case 'flaky':
      case 'failing':
        return { kind, ms }
      case 'delayed':
        return { ms, delay: this.#random.between(20, 600) }
      case 'unique':
        return this.#unique()
      case 'free':
        return { ms, ordered: false }
    }
  }

  #unique(): Partial<AskedTask> {
    const unique = `key-${this.#random.between(1, keys)}`
    return { kind: 'unique', ms: this.#random.between(5, 60), unique }
  }

  #several<T>(low: number, high: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.#random.between(low, high) }, (_, index) => make(index))
  }

  #upload(marker: string): Outgoing {
    const files = this.#several(1, 3, () => this.#file())
    const tasks = files.map(({ name, content, isImage }, index) =>
      complete(`${marker}.${index}`, {
        kind: 'file',
        ordered: false,
        file: { name, sha256: createHash('sha256').update(content).digest('hex'), isImage },
      }),
    )
    const markers = tasks.map((task) => task.marker).join(',')
    const asked = { marker, tasks, isRefused: false }
    return { asked, path: `/upload-file?markers=${markers}`, body: multipart(files) }
  }

  #file(): Sample {
    if (this.#random.chance(0.6)) return this.#samples[this.#random.between(0, this.#samples.length - 1)]!
    const content = this.#random.bytes(this.#random.between(1, 60_000))
    return { name: 'noise.bin', content, isImage: false }
  }
}

/** A few pictures of different sizes, to send over and over. */
export async function makeSamples(): Promise<Sample[]> {
  const sizes = [200, 320, 480, 640]
  return Promise.all(
    sizes.map(async (width) => {
      const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
      const create = { width, height: width, channels: 3, background: '#808080', noise } as const
      const jpeg = await sharp({ create }).jpeg().toBuffer()
      return { name: `photo-${width}.jpg`, content: new Uint8Array(jpeg), isImage: true }
    }),
  )
}

function complete(marker: string, given: Partial<AskedTask>): AskedTask {
  const plain = {
    kind: 'append',
    ms: 0,
    ordered: true,
    delay: 0,
    unique: null,
    to: null,
    file: null,
  } as const
  return { ...plain, marker, ...given }
}

function multipart(files: Sample[]): Body {
  const boundary = 'a-boundary-of-the-crash-harness'
  const pieces = files.flatMap(({ name, content }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ])
  const content = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
  return { type: `multipart/form-data; boundary=${boundary}`, content }
}
