import test from 'ava'
import { DiskUsage } from '../../src/files/usage.ts'

test('bytes are taken until the bound is reached, to the byte', (t) => {
  const usage = new DiskUsage(10)
  usage.begin('a')
  usage.take('a', 10)
  t.throws(() => usage.take('a', 1), { code: 'AFTERWORK_DISK_FULL' })
  t.is(usage.used, 10)
  usage.change('a', -4)
  usage.take('a', 4)
  t.is(usage.used, 10)
})

test('without a bound everything is taken', (t) => {
  const usage = new DiskUsage()
  usage.take('a', Number.MAX_SAFE_INTEGER)
  t.is(usage.max, Infinity)
})

test('a listing puts the figure right', (t) => {
  const usage = new DiskUsage(1_000)
  usage.change('lost count', 700)
  usage.listing()([
    { id: 'a', bytes: 5 },
    { id: 'b', bytes: 6 },
  ])
  t.is(usage.used, 11)
})

test('a listing that failed leaves the figure as it was', (t) => {
  const usage = new DiskUsage(1_000)
  usage.change('a', 5)
  usage.listing()()
  t.is(usage.used, 5)
})

test('files that come while the folder is listed count once, wherever the listing saw them', (t) => {
  const usage = new DiskUsage(1_000)
  usage.begin('open before')
  usage.take('open before', 100)
  const listed = usage.listing()
  usage.take('open before', 20)
  for (const id of ['seen whole', 'seen in part', 'not seen', 'seen and gone']) {
    usage.begin(id)
    usage.take(id, 50)
  }
  usage.change('seen and gone', -50)
  for (const id of ['seen whole', 'not seen', 'seen and gone']) usage.end(id)
  // A thumbnail of one whose request is over by now.
  usage.change('not seen', 7)
  const found = [
    { id: 'old', bytes: 10 },
    { id: 'open before', bytes: 110 },
    { id: 'seen whole', bytes: 50 },
    { id: 'seen in part', bytes: 30 },
    { id: 'seen and gone', bytes: 40 },
  ]
  const another = usage.listing()
  listed(found)
  t.is(usage.used, 10 + 120 + 50 + 50 + 50 + 7)
  another([
    { id: 'old', bytes: 10 },
    { id: 'not seen', bytes: 57 },
  ])
  t.is(usage.used, 10 + 120 + 57 + 50)
})
