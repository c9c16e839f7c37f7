import test from 'ava'
import fc from 'fast-check'
import { Histogram } from '../../../workers/reports/histogram.ts'
import { niceStep, niceTicks } from '../../../workers/reports/ticks.ts'

function binsOf(values: readonly number[], whole = false) {
  const histogram = new Histogram(Math.min(...values), Math.max(...values), whole)
  for (const value of values) histogram.add(value)
  return histogram.bins()
}

test('ticks are round and cover the range', (t) => {
  t.deepEqual(niceTicks(0, 97, 5), [0, 20, 40, 60, 80, 100])
  t.deepEqual(niceTicks(-0.13, 0.29, 5), [-0.2, -0.1, 0, 0.1, 0.2, 0.3])
  t.deepEqual(niceTicks(0, 3, 4, true), [0, 1, 2, 3])
  t.deepEqual(niceTicks(0, 10, 4, true), [0, 5, 10])
  t.is(niceStep(1e-7, 10), 1e-8)
})

test('the edges of a histogram are round, and each value is in the bin between whose edges it lies', (t) => {
  const { edges, counts } = binsOf([0.3, 0.1, 0.2, 9.99, 10])
  t.deepEqual(edges.slice(0, 3), [0, 0.5, 1])
  t.is(edges.at(-1), 10)
  t.deepEqual([counts[0], counts.at(-1)], [3, 2])
})

test('whole numbers get whole edges', (t) => {
  t.deepEqual(binsOf([1, 2, 3, 45], true).edges.slice(0, 3), [0, 5, 10])
  t.deepEqual(binsOf([3, 4, 12], true).edges, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
})

test('every value is counted once, whatever the values', (t) => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 })
  const values = fc.array(fc.oneof(finite, fc.integer(), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 2,
    maxLength: 300,
  })
  fc.assert(
    fc.property(values, (given) => {
      const [min, max] = [Math.min(...given), Math.max(...given)]
      fc.pre(max - min > 1e-12 * Math.max(-min, max) && max - min > 1e-300)
      const { edges, counts, below, above } = binsOf(given)
      t.true(counts.length >= 1 && counts.length <= 20)
      t.is(edges.length, counts.length + 1)
      t.true(edges.every((edge, index) => index === 0 || edge > edges[index - 1]!))
      t.is(
        counts.reduce((sum, one) => sum + one, 0),
        given.length - below - above,
      )
      counts.forEach((count, index) => {
        const isLast = index === counts.length - 1
        const inside = given.filter(
          (value) =>
            value >= edges[index]! && (value < edges[index + 1]! || (isLast && value === edges[index + 1])),
        )
        t.is(count, inside.length)
      })
    }),
    { seed: 8, numRuns: 300 },
  )
})

test('a few values far off are counted apart', (t) => {
  const values = Array.from({ length: 1000 }, (_, index) => index % 100)
  const { edges, above, counts } = binsOf([...values, 5_000_000], true)
  t.true(edges.at(-1)! <= 100)
  t.true(counts.length >= 10)
  t.true(above >= 1 && above <= 30)
})

test('values that grow are not taken for values far off, though the first ones are close together', (t) => {
  const histogram = new Histogram(0, 199_999, true)
  for (let value = 0; value < 200_000; value++) histogram.add(value)
  const { edges, above } = histogram.bins()
  t.deepEqual([edges[0], edges.at(-1), above], [0, 200_000, 0])
})
