import type { Engine } from '../queue/queue.ts'

/** What is told to an engine once and holds for each that follows it. */
const lasting: ReadonlySet<PropertyKey> = new Set(['onClaimable', 'onError', 'subscribe'])

/** An engine in whose place a new one can be put, so that a test begins with nothing. */
export function renewable<E extends Engine>(make: () => E): { engine: Engine; renew(): void } {
  const told: ((engine: E) => void)[] = []
  let current = make()
  const call = (engine: E, key: PropertyKey, args: unknown[]): unknown =>
    Reflect.apply(engine[key as keyof E] as () => unknown, engine, args)
  const engine = new Proxy({} as Engine, {
    get(_target, key) {
      if (!(key in current)) return undefined
      return (...args: unknown[]): unknown => {
        if (lasting.has(key)) told.push((next) => void call(next, key, args))
        return call(current, key, args)
      }
    },
  })
  return {
    engine,
    renew() {
      void current.close()
      current = make()
      for (const tell of told) tell(current)
    },
  }
}
