import { othersLabel, type BarChart, type Chart, type HistogramChart, type LineChart } from './chart.ts'
import { count, tickLabels } from './format.ts'
import { cutToWidth, widthOf } from './text-width.ts'
import { niceTicks } from './ticks.ts'
import { visible } from './visible.ts'

/** A shape of a drawing, in its units, from the upper left; what it looks like is the surface's business. */
export type Mark =
  /** `muted`: what stands apart from the others, such as the rest of the values. */
  | { shape: 'bar'; x: number; y: number; width: number; height: number; muted?: true }
  | { shape: 'rule'; x1: number; y1: number; x2: number; y2: number; role: 'axis' | 'grid' }
  | { shape: 'line'; points: [number, number][] }
  | { shape: 'dot'; x: number; y: number }
  /** `y` is the baseline. */
  | { shape: 'text'; x: number; y: number; text: string; anchor: 'start' | 'middle' | 'end' }

/** A chart as shapes, for any surface. */
export interface Drawing {
  width: number
  height: number
  marks: Mark[]
}

/** Units of the letters. */
export const textSize = 11

const width = 400
const height = 190
/** Of the bars of frequent values. */
const rowHeight = 18
/** Of a column. */
const widestColumn = 70
/** What axes leave for the plot; the left depends on the labels. */
const plot = { top: 8, right: 10, bottom: 24 }

/** Draws a chart, 400 units wide. */
export function draw(chart: Chart): Drawing {
  switch (chart.kind) {
    case 'bars':
      return drawBars(chart)
    case 'histogram':
      return drawHistogram(chart)
    case 'columns': {
      const { points } = chart
      const counts = points.map((point) => point.count)
      const frame = countAxis(counts)
      const slot = frame.plotWidth / points.length
      points.forEach((point, index) => frame.column(frame.left + index * slot, slot, point.count))
      frame.places(
        points.map(({ label }) => label),
        slot,
      )
      return frame.drawing()
    }
    case 'line':
      return drawLine(chart)
  }
}

function drawBars({ values, others }: BarChart): Drawing {
  const rows: { label: string; count: number; muted?: true }[] = values.map((one) => ({
    label: one.value,
    count: one.count,
  }))
  if (others.values > 0) rows.push({ label: othersLabel(others.values), count: others.count, muted: true })
  const labels = rows.map(({ label }) => cutToWidth(visible(label), 150, textSize))
  const left = Math.ceil(Math.max(...labels.map((label) => widthOf(label, textSize)))) + 8
  const widest = Math.max(...rows.map((row) => row.count))
  const room = width - left - Math.ceil(widthOf(count(widest), textSize)) - 8
  const marks = rows.flatMap(({ count: rowsOf, muted }, index): Mark[] => {
    const [y, long] = [index * rowHeight, Math.max(1, (room * rowsOf) / widest)]
    const baseline = y + rowHeight / 2 + textSize * 0.35
    return [
      { shape: 'text', x: left - 6, y: baseline, text: labels[index]!, anchor: 'end' },
      { shape: 'bar', x: left, y: y + 2, width: long, height: rowHeight - 4, ...(muted && { muted }) },
      { shape: 'text', x: left + long + 5, y: baseline, text: count(rowsOf), anchor: 'start' },
    ]
  })
  return { width, height: rows.length * rowHeight, marks }
}

function drawHistogram({ bins: { edges, counts, below, above } }: HistogramChart): Drawing {
  const frame = countAxis([below, ...counts, above])
  const apart = 26
  const from = frame.left + (below > 0 ? apart : 0)
  const room = width - plot.right - (above > 0 ? apart : 0) - from
  const [low, high] = [edges[0]!, edges.at(-1)!]
  const at = (value: number) => from + (room * (value - low)) / (high - low)
  counts.forEach((rows, index) =>
    frame.column(at(edges[index]!), at(edges[index + 1]!) - at(edges[index]!), rows),
  )
  if (below > 0) frame.column(frame.left, apart - 8, below, true)
  if (above > 0) frame.column(width - plot.right - apart + 8, apart - 8, above, true)
  const ticks = niceTicks(low, high, 6).filter((tick) => tick >= low && tick <= high)
  let taken = -Infinity
  for (const [index, label] of tickLabels(ticks).entries()) {
    const [x, half] = [at(ticks[index]!), widthOf(label, textSize) / 2]
    if (x - half < taken + 6) continue
    taken = x + half
    frame.label(x, label)
  }
  if (below > 0 && at(low) - frame.left > 8) frame.labelEdge('less', frame.left)
  if (above > 0) frame.labelEdge('more', width - plot.right)
  return frame.drawing()
}

function drawLine({ points }: LineChart): Drawing {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]))
  const [min, max] = [Math.min(...values), Math.max(...values)]
  // From nought where that shows the same shape: a scale that begins elsewhere exaggerates.
  const [low, high] = min === max ? aroundOne(min) : min >= 0 && min < max / 2 ? [0, max] : [min, max]
  const frame = new Frame(niceTicks(low, high, 4))
  const slot = frame.plotWidth / points.length
  let run: [number, number][] = []
  const finish = () => {
    if (run.length > 1) frame.marks.push({ shape: 'line', points: run })
    for (const [x, y] of points.length <= 31 || run.length === 1 ? run : [])
      frame.marks.push({ shape: 'dot', x, y })
    run = []
  }
  points.forEach(({ value }, index) => {
    if (value === null) finish()
    else run.push([frame.left + (index + 0.5) * slot, frame.y(value)])
  })
  finish()
  frame.places(
    points.map(({ label }) => label),
    slot,
  )
  return frame.drawing()
}

function aroundOne(value: number): [number, number] {
  return value === 0 ? [-1, 1] : [value - Math.abs(value) / 10, value + Math.abs(value) / 10]
}

function countAxis(counts: readonly number[]): Frame {
  return new Frame(niceTicks(0, Math.max(1, ...counts), 4, true))
}

/** The plot between its axes, with horizontal lines at the ticks of the vertical one. */
class Frame {
  readonly marks: Mark[] = []
  readonly left: number
  readonly #low: number
  readonly #high: number

  constructor(ticks: readonly number[]) {
    const labels = tickLabels(ticks)
    this.left = Math.ceil(Math.max(...labels.map((label) => widthOf(label, textSize)))) + 8
    this.#low = ticks[0]!
    this.#high = ticks.at(-1)!
    ticks.forEach((tick, index) => {
      const y = this.y(tick)
      const role = index === 0 ? 'axis' : 'grid'
      this.marks.push({ shape: 'rule', x1: this.left, y1: y, x2: width - plot.right, y2: y, role })
      const text = labels[index]!
      this.marks.push({ shape: 'text', x: this.left - 6, y: y + textSize * 0.35, text, anchor: 'end' })
    })
  }

  get plotWidth(): number {
    return width - plot.right - this.left
  }

  y(value: number): number {
    const part = (value - this.#low) / (this.#high - this.#low)
    return height - plot.bottom - part * (height - plot.bottom - plot.top)
  }

  /** A column in the middle of its slot; what is there, though it is little, is seen. */
  column(x: number, slot: number, rows: number, muted?: true): void {
    if (rows === 0) return
    const gap = Math.max(slot - widestColumn, Math.min(2, slot / 5))
    const top = Math.min(this.y(rows), this.y(this.#low) - 1)
    const [y, tall] = [top, this.y(this.#low) - top]
    this.marks.push({
      shape: 'bar',
      x: x + gap / 2,
      y,
      width: slot - gap,
      height: tall,
      ...(muted && { muted }),
    })
  }

  /** A name under the plot, moved inwards where it would be cut. */
  label(x: number, text: string): void {
    const half = widthOf(text, textSize) / 2
    const inside = Math.min(width - half, Math.max(half, x))
    this.marks.push({ shape: 'text', x: inside, y: height - 8, text, anchor: 'middle' })
  }

  /** What the columns apart at the ends hold. */
  labelEdge(text: string, x: number): void {
    const anchor = text === 'less' ? 'start' : 'end'
    this.marks.push({ shape: 'text', x, y: height - 8, text, anchor })
  }

  /** The names of evenly spread places, as many as there is room for, the first always. */
  places(labels: readonly string[], slot: number): void {
    const widest = Math.max(...labels.map((label) => widthOf(label, textSize))) + 10
    const every = Math.ceil(widest / slot)
    for (let index = 0; index < labels.length; index += every)
      this.label(this.left + (index + 0.5) * slot, labels[index]!)
  }

  drawing(): Drawing {
    return { width, height, marks: this.marks }
  }
}
