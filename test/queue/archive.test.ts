import test from 'ava'
import { newId } from '../../src/core/id.ts'
import type { NewTask } from '../../src/core/task.ts'
import { Archive } from '../../src/queue/archive.ts'
import { newTask, storedFile } from './conformance.ts'

interface Entry {
  task: NewTask
}

function entries(count: number, keepResult = 1e9): Entry[] {
  return Array.from({ length: count }, () => ({ task: newTask({ options: { keepResult } }) }))
}

const all = (): boolean => true

test('forgetting thousands keeps the rest in order, whole and findable', (t) => {
  const forgotten = new Set<Entry>()
  const archive = new Archive<Entry>({ tasks: 500 }, (entry) => forgotten.add(entry))
  const file = storedFile()
  const many = entries(5_000)
  const live = many.filter((_, index) => index % 10 === 0)
  const ended = many.filter((_, index) => index % 10 !== 0)
  many[4_999]!.task.files.push(file)
  for (const entry of many) archive.add(entry)
  for (const entry of ended) archive.ended(entry, 1)

  const kept = new Set([...live, ...ended.slice(-500)])
  t.is(forgotten.size, 4_000)
  t.true([...forgotten].every((entry) => !kept.has(entry)))
  const newest = many.filter((entry) => kept.has(entry)).toReversed()
  t.deepEqual(archive.newest(undefined, 10_000, all), newest)
  t.deepEqual(archive.namingFile(file.id), [many[4_999]!])

  for (const cursor of [many[2_500]!, many[2_501]!, many[4_998]!]) {
    const older = newest.filter(({ task }) => task.id < cursor.task.id)
    t.deepEqual(archive.newest(cursor.task.id, 7, all), older.slice(0, 7))
  }
  const late = entries(3)
  for (const entry of late) archive.add(entry)
  t.deepEqual(archive.newest(undefined, 4, all), [...late.toReversed(), newest[0]!])
})

test('an id that comes late takes its place by age', (t) => {
  const archive = new Archive<Entry>({ tasks: 10 }, () => {})
  const [a, b, c] = entries(3) as [Entry, Entry, Entry]
  for (const entry of [a, c, b]) archive.add(entry)
  t.deepEqual(archive.newest(undefined, 10, all), [c, b, a])
  t.deepEqual(archive.newest(c.task.id, 10, all), [b, a])
  t.deepEqual(
    archive.newest(newId(), 1, (entry) => entry !== c),
    [b],
  )
})

test('what ended first is forgotten first, by number or by its own time', (t) => {
  const forgotten: Entry[] = []
  const archive = new Archive<Entry>({ tasks: 2 }, (entry) => forgotten.push(entry))
  const [a, b, c, d] = entries(4, 100) as [Entry, Entry, Entry, Entry]
  for (const entry of [a, b, c, d]) archive.add(entry)
  archive.ended(c, 1_000)
  archive.ended(a, 1_001)
  t.deepEqual(forgotten, [])
  archive.ended(b, 1_002)
  t.deepEqual(forgotten, [c])
  archive.ended(d, 1_102)
  t.deepEqual(forgotten, [c, a])
  t.deepEqual(archive.newest(undefined, 10, all), [d, b])
})

test('each task is remembered for its own time', (t) => {
  const forgotten: Entry[] = []
  const archive = new Archive<Entry>({ tasks: 100 }, (entry) => forgotten.push(entry))
  const [long] = entries(1, 10_000) as [Entry]
  const [short, last] = entries(2, 10) as [Entry, Entry]
  for (const entry of [long, short, last]) archive.add(entry)
  archive.ended(long, 1_000)
  archive.ended(short, 1_001)
  archive.ended(last, 5_000)
  t.deepEqual(forgotten, [short])
})

test('a file is known by all who name it, until they are forgotten', (t) => {
  const file = storedFile()
  const archive = new Archive<Entry>({ tasks: 0 }, () => {})
  const [a, b] = [newTask({ files: [file] }), newTask({ files: [file] })].map((task) => ({ task }))
  archive.add(a!)
  archive.add(b!)
  t.deepEqual(archive.namingFile(file.id), [a!, b!])
  archive.ended(a!, 1)
  t.deepEqual(archive.namingFile(file.id), [b!])
  archive.ended(b!, 1)
  t.deepEqual(archive.namingFile(file.id), [])
})
