/** What is sent, over and over. */
export interface RequestOptions {
  url: string
  /** Default GET. */
  method?: string
  headers?: Record<string, string>
  body?: BodySource
}

/** A function that makes the bodies, by module URL and export: functions cannot be sent to another process. */
export interface BodySource {
  module: string
  export: string
  /** Go to the function with each call; JSON. */
  parameters?: object
}

/** Makes the body of request `sequence`, so that no two are alike. */
export type MakeBody = (sequence: number, parameters?: any) => string | Uint8Array

/** A whole request: text, or its head and a body that is not copied, for it may be large. */
export type RequestBytes = string | readonly [head: string, body: Uint8Array]

/** Goes on from run to run, so that a warm-up does not send what the measurement will. */
let sequence = 0

/** A function that returns the bytes of the next request. */
export async function requestMaker(options: RequestOptions): Promise<() => RequestBytes> {
  const { method = 'GET', headers = {}, body } = options
  const { host, pathname, search } = new URL(options.url)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}`
  if (body === undefined) {
    const whole = `${head}${method === 'GET' ? '' : 'content-length: 0\r\n'}\r\n`
    return () => whole
  }
  const makeBody = await importBody(body)
  return () => {
    const content = makeBody(sequence++, body.parameters)
    const start = `${head}content-length: ${Buffer.byteLength(content)}\r\n\r\n`
    return typeof content === 'string' ? start + content : [start, content]
  }
}

async function importBody(source: BodySource): Promise<MakeBody> {
  const exported = (await import(source.module)) as Record<string, unknown>
  const make = exported[source.export]
  if (typeof make === 'function') return make as MakeBody
  throw new Error(`Expected ${source.module} to export a function ${source.export}, got ${typeof make}`)
}
