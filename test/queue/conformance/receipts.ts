import test from 'ava'
import { newId } from '../../../src/core/id.ts'
import type { Receipt } from '../../../src/core/receipt.ts'
import { ids, newTask, type OpenSubject } from './subject.ts'

function newReceipt(given: Partial<Receipt> = {}): Receipt {
  return {
    key: newId(),
    fingerprint: 'f',
    answer: '{"status":202}',
    expiresAt: Date.now() + 60_000,
    ...given,
  }
}

/** Receipts: what is kept of a request, stored with its tasks. */
export function receipts(name: string, subject: OpenSubject): void {
  test(`${name}: a receipt is stored with the tasks, and found by its key`, async (t) => {
    const { engine, ...queue } = await open(t)
    const [receipt, tasks] = [newReceipt(), [newTask(), newTask()]]
    t.is(await engine.receipt(receipt.key), undefined)
    await engine.add(tasks, { held: false, receipt })
    t.like(await engine.receipt(receipt.key), { fingerprint: 'f', answer: '{"status":202}' })
    t.deepEqual(await queue.claim(), ids(tasks))
  })

  test(`${name}: a receipt is stored alone where no tasks are added`, async (t) => {
    const { engine } = await open(t)
    const receipt = newReceipt()
    await engine.add([], { held: true, receipt })
    t.like(await engine.receipt(receipt.key), { fingerprint: 'f' })
  })

  test(`${name}: of two with one key the second is refused, and its tasks with it`, async (t) => {
    const { engine, ...queue } = await open(t)
    const receipt = newReceipt()
    await engine.add([newTask()], { held: true, receipt })
    const late = newTask()
    const again = engine.add([late], {
      held: true,
      receipt: newReceipt({ key: receipt.key, fingerprint: 'g' }),
    })
    await t.throwsAsync(again, { code: 'AFTERWORK_CONFLICT' })
    t.is(await engine.get(late.id), undefined)
    t.like(await engine.receipt(receipt.key), { fingerprint: 'f' })
    t.deepEqual(await queue.counters(), { queued: 1 })
  })

  test(`${name}: a queue that is full stores no receipt either`, async (t) => {
    const { engine } = await open(t, { bounds: { maxTasks: 1 } })
    const receipt = newReceipt()
    const tasks = [newTask(), newTask()]
    await t.throwsAsync(engine.add(tasks, { held: true, receipt }), { code: 'AFTERWORK_QUEUE_FULL' })
    t.is(await engine.receipt(receipt.key), undefined)
  })

  test(`${name}: a receipt whose time is over is not found, and its key is free`, async (t) => {
    const { engine } = await open(t)
    const key = newId()
    await engine.add([], { held: true, receipt: newReceipt({ key, expiresAt: Date.now() - 1 }) })
    t.is(await engine.receipt(key), undefined)
    await engine.add([], { held: true, receipt: newReceipt({ key, fingerprint: 'new' }) })
    t.like(await engine.receipt(key), { fingerprint: 'new' })
  })

  test(`${name}: a receipt goes with the tasks that are discarded`, async (t) => {
    const { engine } = await open(t)
    const [receipt, task] = [newReceipt(), newTask()]
    await engine.add([task], { held: true, receipt })
    await engine.discard([task.id], receipt.key)
    t.is(await engine.receipt(receipt.key), undefined)
    t.is(await engine.get(task.id), undefined)
    await engine.add([newTask()], { held: true, receipt })
    t.like(await engine.receipt(receipt.key), { fingerprint: 'f' })
  })

  async function open(...given: Parameters<OpenSubject>) {
    const queue = await subject(...given)
    return { engine: queue.engine, claim: () => queue.claim(), counters: () => queue.counters() }
  }
}
