import test from 'ava'
import { Events, type AfterworkEvents } from '../../src/core/events.ts'

const released = { id: '1', name: 'files.resize', pool: 'cpu', at: 0 }
type Trouble = AfterworkEvents['afterwork.error'][0]

test('every listener of an event hears it, in order, until it is taken off', (t) => {
  const events = new Events()
  const heard: string[] = []
  const second = (): void => void heard.push('second')
  events.on('task.released', ({ id }) => void heard.push(`first ${id}`)).on('task.released', second)
  events.emit('task.released', released)
  events.off('task.released', second)
  events.emit('task.released', released)
  t.deepEqual(heard, ['first 1', 'second', 'first 1'])
})

test('a listener added with once hears one event', (t) => {
  const events = new Events()
  let heard = 0
  events.once('task.released', () => void heard++)
  events.emit('task.released', released)
  events.emit('task.released', released)
  t.is(heard, 1)
})

test('whether somebody listens can be asked', (t) => {
  const events = new Events()
  const listener = (): void => {}
  t.false(events.has('task.released'))
  events.on('task.released', listener)
  t.true(events.has('task.released'))
  t.false(events.has('task.added'))
  events.off('task.released', listener)
  t.false(events.has('task.released'))
})

test('a listener that throws does not stop the others and is reported', (t) => {
  const events = new Events()
  const troubles: Trouble[] = []
  const error = new TypeError('a bug in a listener')
  let heard = 0
  events.on('afterwork.error', (trouble) => void troubles.push(trouble))
  events.on('task.released', () => {
    throw error
  })
  events.on('task.released', () => void heard++)
  events.emit('task.released', released)
  t.is(heard, 1)
  t.is(troubles.length, 1)
  t.like(troubles[0], { error, during: 'a listener of task.released' })
})

test('a listener that rejects is reported', async (t) => {
  const events = new Events()
  const error = new TypeError('a bug in a listener')
  const trouble = new Promise<Trouble>((resolve) => events.once('afterwork.error', resolve))
  events.on('task.released', (): unknown => Promise.reject(error))
  events.emit('task.released', released)
  t.like(await trouble, { error, during: 'a listener of task.released' })
})

test('what a listener throws is reported as an Error, whatever it is', (t) => {
  const events = new Events()
  const troubles: Trouble[] = []
  events.on('afterwork.error', (trouble) => void troubles.push(trouble))
  events.on('task.released', () => {
    throw 'a text'
  })
  events.emit('task.released', released)
  t.true(troubles[0]?.error instanceof Error)
  t.is(troubles[0]?.error.message, 'a text')
})

test('a listener of errors that throws ends nothing', (t) => {
  const events = new Events()
  let heard = 0
  events.on('afterwork.error', () => {
    throw new Error('the reporter is broken too')
  })
  events.on('afterwork.error', () => void heard++)
  t.notThrows(() =>
    events.emit('afterwork.error', { at: 0, error: new Error('x'), during: 'filling pool cpu' }),
  )
  t.is(heard, 1)
})

test('an event that nobody listens to is fine, errors too', (t) => {
  const events = new Events()
  t.notThrows(() => events.emit('afterwork.error', { at: 0, error: new Error('x'), during: 'a test' }))
})
