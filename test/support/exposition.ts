/** One line of numbers. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** The metrics of one name. */
export interface Family {
  help: string
  type: string
  samples: Sample[]
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y

/** What a server of Prometheus reads in version 0.0.4 of its text format; throws where that would refuse it. */
export class Exposition {
  readonly families = new Map<string, Family>()

  constructor(text: string) {
    if (!text.endsWith('\n')) throw new Error('The last line does not end')
    let current: [name: string, Family] | undefined
    for (const row of text.split('\n')) {
      if (row === '') continue
      const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(row) ?? []
      if (kind === 'HELP') {
        if (this.families.has(name!)) throw new Error(`${name} comes twice`)
        current = [name!, { help: rest!, type: '', samples: [] }]
        this.families.set(...current)
      } else if (kind === 'TYPE') current![1].type = rest!
      else current![1].samples.push(sampleOf(row, current![0], current![1].type))
    }
    for (const [name, family] of this.families) if (family.type === 'histogram') checkHistogram(name, family)
  }

  /** The samples of a name that have these labels. */
  samples(name: string, labels: Record<string, string> = {}): Sample[] {
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''))
    const wanted = Object.entries(labels)
    return (family?.samples ?? []).filter(
      (sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
    )
  }

  /** The one sample that has these labels, or undefined. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const [sample, ...more] = this.samples(name, labels)
    if (more.length > 0) throw new Error(`More than one ${name} ${JSON.stringify(labels)}`)
    return sample?.value
  }

  /** How many observations of a histogram were above a bound of its buckets. */
  above(name: string, bound: string, labels: Record<string, string> = {}): number {
    return this.value(`${name}_count`, labels)! - this.value(`${name}_bucket`, { ...labels, le: bound })!
  }

  /** Everything that may only grow, by name and labels. */
  get growing(): Map<string, number> {
    const families = [...this.families.values()].filter(({ type }) => type !== 'gauge')
    const samples = families.flatMap((family) => family.samples)
    return new Map(samples.map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]))
  }
}

function sampleOf(row: string, family: string, type: string): Sample {
  const [, name, labels, value] = line.exec(row) ?? []
  if (name === undefined) throw new Error(`Not a sample: ${row}`)
  const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => family + end) : [family]
  if (!names.includes(name)) throw new Error(`${name} is no sample of the ${type} ${family}`)
  if (!Number.isFinite(Number(value))) throw new Error(`Not a number: ${row}`)
  return { name, labels: labelsOf(labels ?? ''), value: Number(value) }
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const [, key, value] = label.exec(text) ?? []
    if (key === undefined || key in labels) throw new Error(`Bad labels: ${text}`)
    labels[key] = value!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  }
  return labels
}

/** Each series has its buckets in order, none below the one before, and all in the last. */
function checkHistogram(name: string, { samples }: Family): void {
  const series = new Map<string, { bounds: number[]; counts: number[]; count?: number; sum?: number }>()
  for (const { name: part, labels, value } of samples) {
    const { le, ...others } = labels
    const key = JSON.stringify(others)
    const found = series.get(key) ?? { bounds: [], counts: [] }
    series.set(key, found)
    if (part.endsWith('_count')) found.count = value
    else if (part.endsWith('_sum')) found.sum = value
    else {
      found.bounds.push(le === '+Inf' ? Infinity : Number(le))
      found.counts.push(value)
    }
  }
  for (const [key, { bounds, counts, count, sum }] of series) {
    const sorted = (values: number[]) => values.every((value, i) => i === 0 || value >= values[i - 1]!)
    const whole = bounds.at(-1) === Infinity && counts.at(-1) === count && sum !== undefined && sum >= 0
    if (!sorted(bounds) || !sorted(counts) || !whole) throw new Error(`A broken histogram: ${name} ${key}`)
  }
}
