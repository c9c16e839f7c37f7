import { noWords } from '../flags.ts'
import type { Command, Session } from '../operator/session.ts'
import { jsonText, print } from '../output/print.ts'
import { readWhere } from '../where.ts'
import { frame } from './frame.ts'
import { look } from './look.ts'
import { Screen } from './screen.ts'
import { Watch } from './watch.ts'

/** Between two looks, in milliseconds. */
const interval = 1_000
/** Columns and lines of a picture that no terminal shows. */
const paper = { width: 160, height: 60 }

/** `afterwork top`: pools, running tasks, counts and failures, live; where there is no terminal, as they are now. */
export const top: Command<void> = {
  name: 'top',
  spec: {},
  read: (flags) => noWords('top', flags),
  run: (session) => (session.flags.json || !process.stdout.isTTY ? once(session) : live(session)),
}

async function once({ operator, flags }: Session): Promise<void> {
  const seen = await look(operator)
  if (flags.json) {
    const { source, at, stats, pools, running, failed } = seen
    const shown = { source, at: new Date(at).toISOString(), ...stats, pools, running, failed }
    return await print(`${jsonText(shown, 2)}\n`)
  }
  const view = { look: seen, rates: null, trouble: undefined, now: seen.at }
  await print(`${frame(view, paper.width, paper.height).join('\n').trimEnd()}\n`)
}

/** Until the person leaves. A service that hangs holds up the looks, and neither the picture nor the way out. */
async function live({ flags }: Session): Promise<void> {
  const watch = new Watch(readWhere(flags.where, process.env))
  const { promise: left, resolve, reject } = Promise.withResolvers<void>()
  const screen = new Screen({ left: resolve, resized: draw })
  let looking = false
  screen.open()
  tick().catch(reject)
  const timer = setInterval(() => void tick().catch(reject), interval)
  try {
    await left
  } finally {
    clearInterval(timer)
    screen.close()
    watch.close()
  }
  // Not even a question that is on its way holds up who wants to leave.
  process.exit()

  async function tick(): Promise<void> {
    if (looking) return draw()
    looking = true
    await watch.look()
    looking = false
    draw()
  }

  function draw(): void {
    const { last, rates, trouble } = watch
    screen.draw(frame({ look: last, rates, trouble, now: Date.now() }, screen.width, screen.height))
  }
}
