import test from 'ava'
import fc from 'fast-check'
import { unitFor } from '../../../workers/reports/periods.ts'

const at = (iso: string) => Date.parse(`${iso}Z`)

function unitOf(from: string, to: string, withTime = false) {
  return unitFor(at(`${from}T00:00`), at(`${to}T23:59`), withTime)
}

test('the unit of time fits what is between the first and the last date', (t) => {
  t.is(unitOf('2026-03-01', '2026-03-02', true).name, 'hour')
  t.is(unitOf('2026-03-01', '2026-03-02').name, 'day')
  t.is(unitOf('2026-03-01', '2026-04-15').name, 'day')
  t.is(unitOf('2025-03-01', '2026-03-01').name, 'week')
  t.is(unitOf('2022-03-01', '2026-03-01').name, 'month')
  t.is(unitOf('1980-03-01', '2026-03-01').name, 'year')
  t.is(unitOf('1500-03-01', '2026-03-01').name, '10 years')
})

test('periods begin where people say they do', (t) => {
  const labels = (from: string, to: string, moment: string, withTime = false) => {
    const unit = unitOf(from, to, withTime)
    return unit.labelOf(unit.indexOf(at(moment)))
  }
  t.is(labels('2025-03-01', '2026-03-01', '2026-03-01T23:59'), '23 Feb 2026')
  t.is(labels('2025-03-01', '2026-03-01', '2026-02-23T00:00'), '23 Feb 2026')
  t.is(labels('2022-03-01', '2026-03-01', '2024-02-29T23:59'), 'Feb 2024')
  t.is(labels('1950-01-01', '2000-01-01', '1969-12-31T23:59'), '1969')
  t.is(labels('1500-03-01', '2026-03-01', '1989-01-01T00:00'), '1980–1989')
  t.is(labels('2026-03-01', '2026-03-01', '2026-03-01T13:59', true), '1 Mar 2026, 13:00')
})

test('no span of the years 1 to 9999 has more than 62 periods, and time never runs backwards', (t) => {
  const date = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(date, date, fc.boolean(), (one, other, withTime) => {
      const [min, max] = [Math.min(+one, +other), Math.max(+one, +other)]
      const unit = unitFor(min, max, withTime)
      const [first, last] = [unit.indexOf(min), unit.indexOf(max)]
      t.true(Number.isInteger(first) && first <= last && last - first < 63, `${min} ${max} ${unit.name}`)
      t.notRegex(unit.labelOf(first), /NaN|undefined/)
    }),
    { seed: 9, numRuns: 1000 },
  )
})
