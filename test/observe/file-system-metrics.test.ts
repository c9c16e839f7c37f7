import { pbkdf2, pbkdf2Sync } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import test from 'ava'
import { metricsOf } from './subject.ts'

const name = 'afterwork_file_system_probe_seconds'

test("native work on all of libuv's threads shows in the probe, which never piles up", async (t) => {
  const { scrape } = await metricsOf(t)
  const since = performance.now()
  pbkdf2Sync('a', 'b', 20_000, 32, 'sha512')
  const almostASecond = Math.ceil((20_000 / (performance.now() - since)) * 800)
  const probes: number[] = []
  let seen = false
  // Twice as many as there are threads: whoever comes must wait for one of them to end.
  const work = Array.from({ length: 8 }, async () => {
    while (!seen) {
      await promisify(pbkdf2)('a', 'b', almostASecond, 32, 'sha512')
      probes.push(process.getActiveResourcesInfo().filter((kind) => kind === 'FSReqCallback').length)
    }
  })
  while ((await scrape()).above(name, '0.2') === 0) await wait(20)
  seen = true
  await Promise.all(work)
  t.true(Math.max(...probes) <= 1, `${probes.join(' ')}`)
})
