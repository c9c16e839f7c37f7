import type { Drawing, Mark } from './drawing.ts'
import { textSize } from './drawing.ts'
import { escaped } from './visible.ts'

/** A drawing as inline SVG; its colours are those of the page, by the classes `bar`, `muted`, `axis`, `grid` and `line`. */
export function svg(
  { width, height, marks }: Drawing,
  id: string,
  title: string,
  description: string,
): string {
  return [
    `<svg viewBox="0 0 ${width} ${round(height)}" role="img" aria-labelledby="${id}-t ${id}-d" font-size="${textSize}">`,
    `<title id="${id}-t">${escaped(title)}</title>`,
    `<desc id="${id}-d">${escaped(description)}</desc>`,
    ...marks.map(element),
    '</svg>',
  ].join('\n')
}

function element(mark: Mark): string {
  switch (mark.shape) {
    case 'bar': {
      const name = mark.muted ? 'muted' : 'bar'
      const [x, y, width, height] = [mark.x, mark.y, mark.width, mark.height].map(round)
      return `<rect class="${name}" x="${x}" y="${y}" width="${width}" height="${height}"/>`
    }
    case 'rule': {
      const [x1, y1, x2, y2] = [mark.x1, mark.y1, mark.x2, mark.y2].map(round)
      return `<line class="${mark.role}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`
    }
    case 'line':
      return `<polyline class="line" points="${mark.points.map((point) => point.map(round).join(',')).join(' ')}"/>`
    case 'dot':
      return `<circle class="bar" cx="${round(mark.x)}" cy="${round(mark.y)}" r="2.5"/>`
    case 'text': {
      const anchor = mark.anchor === 'start' ? '' : ` text-anchor="${mark.anchor}"`
      return `<text x="${round(mark.x)}" y="${round(mark.y)}"${anchor}>${escaped(mark.text)}</text>`
    }
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
