import { tableOf, type Chart } from './chart.ts'
import { draw } from './drawing.ts'
import { counted, moment } from './format.ts'
import { columnHeadings, type ColumnRow, type Report } from './report.ts'
import { style } from './style.ts'
import { svg } from './svg.ts'
import { cut, escaped, visible } from './visible.ts'

/** Of a value in a page's title. */
const maxTitle = 100

/** A report as one page that needs nothing else: no scripts, no links, no fonts. */
export function html(report: Report): string {
  const title = escaped(cut(visible(report.name), maxTitle))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title} – report</title>
<style>${style}</style>
</head>
<body>
<header>
<h1><bdi>${escaped(report.name)}</bdi></h1>
<p class="soft">A summary of the table, made on ${moment(report.date)}</p>
<dl class="glance">
${report.glance.map(({ label, value }) => `<div><dt>${escaped(label)}</dt><dd>${escaped(value)}</dd></div>`).join('\n')}
</dl>
</header>
<main>
${notesSection(report.notes)}${columnsSection(report)}${chartsSection(report)}</main>
<footer class="soft">Made by afterwork from the file as it was uploaded. Times without a zone are taken as they read.</footer>
</body>
</html>
`
}

function notesSection(notes: readonly string[]): string {
  if (notes.length === 0) return ''
  const items = notes.map((note) => `<li>${escaped(note)}</li>`).join('\n')
  return `<section>\n<h2>Worth knowing</h2>\n<ul class="notes">\n${items}\n</ul>\n</section>\n`
}

function columnsSection({ columns, omittedColumns }: Report): string {
  const head = columnHeadings
    .map(({ heading, numeric }) => `<th scope="col"${numeric ? ' class="number"' : ''}>${heading}</th>`)
    .join('')
  const more =
    omittedColumns === 0 ? '' : `<p class="soft">And ${counted(omittedColumns, 'more column')}.</p>\n`
  return `<section>
<h2>Columns</h2>
<div class="wide"><table>
<thead><tr>${head}</tr></thead>
<tbody>
${columns.map(columnRow).join('\n')}
</tbody>
</table></div>
${more}</section>
`
}

function columnRow(column: ColumnRow): string {
  const cells = columnHeadings.map(({ key, numeric }, index) => {
    if (index === 0) return `<th scope="row"><bdi>${escaped(column[key])}</bdi></th>`
    return `<td${numeric ? ' class="number"' : ''}><bdi>${escaped(column[key])}</bdi></td>`
  })
  return `<tr>${cells.join('')}</tr>`
}

function chartsSection({ charts, omittedCharts }: Report): string {
  if (charts.length === 0) return ''
  const more =
    omittedCharts === 0
      ? ''
      : `<p class="soft">Charts of ${counted(omittedCharts, 'more column')} are left out.</p>\n`
  return `<section>
<h2>Charts</h2>
<div class="charts">
${charts.map(figureOf).join('\n')}
</div>
${more}</section>
`
}

function figureOf(chart: Chart, index: number): string {
  const { headings, rows } = tableOf(chart)
  const description = `${chart.subtitle}. The figures are in the table that follows.`
  const body = rows.map(
    ([place, value]) =>
      `<tr><td><bdi>${escaped(place)}</bdi></td><td class="number">${escaped(value)}</td></tr>`,
  )
  return `<figure>
<figcaption><h3><bdi>${escaped(chart.title)}</bdi></h3><p class="soft">${escaped(chart.subtitle)}</p></figcaption>
${svg(draw(chart), `chart${index + 1}`, chart.title, description)}
<details><summary>Figures</summary><table>
<thead><tr><th scope="col">${escaped(headings[0])}</th><th scope="col" class="number">${escaped(headings[1])}</th></tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></details>
</figure>`
}
