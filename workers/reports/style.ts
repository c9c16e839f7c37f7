/** The style of a report's page: light or dark as the reader's system is, and light on paper. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2430; --soft: #5b6675; --rule: #dde2e8; --tile: #f5f7f9;
  --bar: #2f6fb3; --muted: #a9b4c1; --note: #b7791f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e4e8ed; --soft: #9aa5b2; --rule: #2f3740; --tile: #1c2229;
    --bar: #6aa9e6; --muted: #566270; --note: #d9a441;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.15rem }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere }
p { margin: .25rem 0 }
.soft { color: var(--soft) }
.glance { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0 }
.glance div { padding: .6rem .9rem; border-radius: .5rem; background: var(--tile) }
.glance dt { color: var(--soft); font-size: .8rem }
.glance dd { margin: 0; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere }
.notes { margin: 0; padding: 0; list-style: none }
.notes li { margin: .4rem 0; padding-left: .75rem; border-left: 3px solid var(--note); overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .87rem; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top }
thead th { color: var(--soft); font-weight: 600 }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 9rem }
td { white-space: nowrap }
.number { text-align: right }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 2rem 2.5rem }
figure { margin: 0; min-width: 0; break-inside: avoid }
figcaption { margin-bottom: .5rem }
svg {
  display: block; width: 100%; height: auto; overflow: visible; fill: var(--ink);
  font-family: Arial, Helvetica, 'Liberation Sans', sans-serif;
}
.bar { fill: var(--bar) }
.muted { fill: var(--muted) }
.axis { stroke: var(--soft) }
.grid { stroke: var(--rule) }
.line { fill: none; stroke: var(--bar); stroke-width: 2; stroke-linejoin: round }
details { margin-top: .5rem; font-size: .87rem }
summary { color: var(--soft); cursor: pointer }
details table { width: auto; min-width: 50% }
details td { white-space: normal; overflow-wrap: anywhere }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--rule); font-size: .85rem }
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ink: #000000; --soft: #444444; --rule: #cccccc; --tile: #f3f3f3;
    --bar: #2f6fb3; --muted: #a9b4c1; --note: #b7791f;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  body { padding: 0; max-width: none; font-size: 10pt }
  .glance { grid-template-columns: repeat(3, 1fr) }
  .wide { overflow: visible }
  table { font-size: 7.5pt }
  th, td { padding: 3pt 4pt }
  td { white-space: normal; overflow-wrap: break-word }
  tbody th { min-width: 6rem }
  h2, h3, figcaption { break-after: avoid }
  tr, .notes li { break-inside: avoid }
  thead { display: table-header-group }
  .charts { display: block; columns: 2; column-gap: 2rem }
  figure { margin-bottom: 1.5rem }
  details { display: none }
}
`
