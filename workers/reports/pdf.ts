import type { Chart } from './chart.ts'
import { draw, textSize, type Mark } from './drawing.ts'
import { counted, moment } from './format.ts'
import { columnHeadings, type Fact, type Report } from './report.ts'
import { pdfText, lacking } from './pdf-text.ts'
import { colours, contentWidth, margin, Sheet } from './sheet.ts'
import { cut } from './visible.ts'

/** Of a name on the first page, in characters: some four lines. */
const maxName = 160
/** Points between two charts beside each other. */
const gutter = 22
/** Points, in the order of columnHeadings. */
const columnWidths = [126, 64, 40, 50, 90, 54, 87]
const rowHeight = 15

/**
 * A report as a PDF to print or pass on: A4, the font embedded; the same report gives the same bytes.
 * @param pause awaited between pieces of work of some milliseconds; what it throws ends the work
 */
export async function pdf(report: Report, pause: () => Promise<void>): Promise<Buffer> {
  const sheet = new Sheet(cut(pdfText(report.name), maxName), report.date)
  heading(sheet, report)
  glance(sheet, report.glance)
  notes(sheet, report.notes)
  await columns(sheet, report, pause)
  await charts(sheet, report, pause)
  if (lacksLetters(report)) {
    sheet.reserve(30)
    sheet.y += 12
    const text = `${lacking} stands for a character that the font of this document lacks; the page report.html has them all.`
    sheet.paragraph(text, margin, contentWidth, { size: 8, colour: colours.soft })
  }
  return sheet.finish(cut(report.name, maxName))
}

function heading(sheet: Sheet, { name, date }: Report): void {
  sheet.paragraph(cut(name, maxName), margin, contentWidth, { size: 18, bold: true })
  sheet.y += 4
  const text = `A summary of the table, made on ${moment(date)}`
  sheet.paragraph(text, margin, contentWidth, { colour: colours.soft })
  sheet.y += 14
}

function glance(sheet: Sheet, facts: readonly Fact[]): void {
  const [perRow, gap, height] = [facts.length % 3 === 0 ? 3 : 4, 8, 40]
  const width = (contentWidth - (perRow - 1) * gap) / perRow
  for (let from = 0; from < facts.length; from += perRow) {
    sheet.reserve(height)
    facts.slice(from, from + perRow).forEach(({ label, value }, index) => {
      const x = margin + index * (width + gap)
      sheet.document.roundedRect(x, sheet.y, width, height, 4).fill(colours.tile)
      sheet.line(label, { x: x + 9, y: sheet.y + 14, width: width - 18 }, { size: 7.5, colour: colours.soft })
      sheet.line(value, { x: x + 9, y: sheet.y + 30, width: width - 18 }, { size: 12, bold: true })
    })
    sheet.y += height + gap
  }
}

function notes(sheet: Sheet, sentences: readonly string[]): void {
  if (sentences.length === 0) return
  title(sheet, 'Worth knowing', 30)
  for (const sentence of sentences) {
    const width = contentWidth - 10
    const height = sheet.heightOf(sentence, width)
    sheet.reserve(height + 6)
    sheet.document.rect(margin, sheet.y - 1, 2, height).fill(colours.note)
    sheet.paragraph(sentence, margin + 10, width)
    sheet.y += 6
  }
}

async function columns(
  sheet: Sheet,
  { columns: rows, omittedColumns }: Report,
  pause: () => Promise<void>,
): Promise<void> {
  title(sheet, 'Columns', 3 * rowHeight)
  const cells = (texts: readonly string[], head: boolean) => {
    let x = margin
    texts.forEach((text, index) => {
      const { numeric } = columnHeadings[index]!
      const width = columnWidths[index]! - 8
      const place = {
        y: sheet.y + 10,
        width,
        ...(numeric ? { x: x + width, anchor: 'end' as const } : { x }),
      }
      sheet.line(text, place, {
        size: 7.5,
        bold: head || index === 0,
        ...(head && { colour: colours.soft }),
      })
      x += columnWidths[index]!
    })
    sheet.y += rowHeight
    rule(sheet)
  }
  const head = () =>
    cells(
      columnHeadings.map(({ heading }) => heading),
      true,
    )
  head()
  for (const [index, row] of rows.entries()) {
    if (sheet.reserve(rowHeight)) head()
    cells(
      columnHeadings.map(({ key }) => row[key]),
      false,
    )
    if (index % 20 === 19) await pause()
  }
  if (omittedColumns > 0) more(sheet, `And ${counted(omittedColumns, 'more column')}.`)
}

async function charts(
  sheet: Sheet,
  { charts: all, omittedCharts }: Report,
  pause: () => Promise<void>,
): Promise<void> {
  if (all.length === 0) return
  const width = (contentWidth - gutter) / 2
  const titled = 26
  for (let from = 0; from < all.length; from += 2) {
    const pair = all.slice(from, from + 2)
    const drawings = pair.map(draw)
    const height = titled + Math.max(...drawings.map((one) => (one.height * width) / one.width))
    if (from === 0) title(sheet, 'Charts', height)
    else sheet.reserve(height)
    for (const [index, chart] of pair.entries()) {
      const x = margin + index * (width + gutter)
      chartHeading(sheet, chart, x, width)
      const { marks, width: units } = drawings[index]!
      const scale = width / units
      sheet.document
        .save()
        .translate(x, sheet.y + titled)
        .scale(scale)
      for (const mark of marks) paint(sheet, mark)
      sheet.document.restore()
      await pause()
    }
    sheet.y += height + 20
  }
  if (omittedCharts > 0) more(sheet, `Charts of ${counted(omittedCharts, 'more column')} are left out.`)
}

function chartHeading(sheet: Sheet, { title, subtitle }: Chart, x: number, width: number): void {
  sheet.line(title, { x, y: sheet.y + 9, width }, { bold: true })
  sheet.line(subtitle, { x, y: sheet.y + 19, width }, { size: 7.5, colour: colours.soft })
}

function paint(sheet: Sheet, mark: Mark): void {
  const { document } = sheet
  switch (mark.shape) {
    case 'bar':
      document.rect(mark.x, mark.y, mark.width, mark.height).fill(mark.muted ? colours.muted : colours.bar)
      return
    case 'rule':
      document
        .moveTo(mark.x1, mark.y1)
        .lineTo(mark.x2, mark.y2)
        .lineWidth(0.8)
        .stroke(mark.role === 'axis' ? colours.soft : colours.rule)
      return
    case 'line':
      mark.points.forEach(([x, y], index) => (index === 0 ? document.moveTo(x, y) : document.lineTo(x, y)))
      document.lineWidth(1.6).lineJoin('round').stroke(colours.bar)
      return
    case 'dot':
      document.circle(mark.x, mark.y, 2.2).fill(colours.bar)
      return
    case 'text':
      sheet.line(mark.text, mark, { size: textSize })
  }
}

function title(sheet: Sheet, text: string, follows: number): void {
  if (!sheet.reserve(40 + follows)) sheet.y += 16
  sheet.document.outline.addItem(text)
  sheet.line(text, { x: margin, y: sheet.y + 10 }, { size: 12, bold: true })
  sheet.y += 22
}

function rule(sheet: Sheet): void {
  sheet.document
    .moveTo(margin, sheet.y)
    .lineTo(margin + contentWidth, sheet.y)
    .lineWidth(0.5)
    .stroke(colours.rule)
}

function more(sheet: Sheet, text: string): void {
  sheet.reserve(20)
  sheet.y += 6
  sheet.paragraph(text, margin, contentWidth, { colour: colours.soft })
}

/** Whether some character of the file was replaced. */
function lacksLetters({ name, notes, columns, charts }: Report): boolean {
  const texts = [
    name,
    ...notes,
    ...columns.flatMap((column) => Object.values(column) as string[]),
    ...charts.flatMap((chart) => [
      chart.title,
      ...(chart.kind === 'bars' ? chart.values.map(({ value }) => value) : []),
    ]),
  ]
  return texts.some((text) => pdfText(text).includes(lacking))
}
