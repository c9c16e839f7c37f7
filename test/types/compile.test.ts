import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const here = dirname(fileURLToPath(import.meta.url))

/** What the compiler says of the line below `The mistake:` in each file of fixtures/. */
const mistakes: Record<string, string> = {
  'wrong-argument': `Argument of type 'number' is not assignable to parameter of type 'string'.`,
  'wrong-property': `Type 'string' is not assignable to type 'number'.`,
  'missing-argument': 'Expected 2-3 arguments, but got 1.',
  'extra-argument': 'Expected 1 arguments, but got 2.',
  'function-as-argument': `Argument of type '() => void' is not assignable to parameter of type '"this argument cannot be stored: it is a function; pass data, or use addLocal(fn, ...args)"'.`,
  'instance-with-methods': `Argument of type 'Account' is not assignable to parameter of type '"this argument cannot be stored: it is or holds an object with methods; pass its data"'.`,
  'map-as-argument': `Argument of type 'Map<string, number>' is not assignable to parameter of type '"this argument cannot be stored: it is or holds an object with methods; pass its data"'.`,
  'plain-function': `Argument of type '(address: string) => void' is not assignable to parameter of type 'TaskReference<"from defineTasks(); for a plain function use addLocal(fn, ...args)">'.`,
  'plain-function-in-request': `Argument of type '(address: string) => boolean' is not assignable to parameter of type 'TaskReference<"from defineTasks(); for a plain function use addLocal(fn, ...args)">'.`,
  closure: `Argument of type '() => void' is not assignable to parameter of type 'TaskReference<"from defineTasks(); for a plain function use addLocal(fn, ...args)">'.`,
  'unknown-task': `Property 'shipp' does not exist on type 'TasksOf<typeof import("shop")>'. Did you mean 'ship'?`,
  'no-task': `Property 'teardown' does not exist on type 'TasksOf<typeof import("shop")>'.`,
  'unknown-module': `Property 'shopp' does not exist on type 'Tasks<{ shop: typeof import("shop"); slow: typeof import("shop"); }>'. Did you mean 'shop'?`,
  'unknown-option': `Object literal may only specify known properties, but 'retires' does not exist in type 'CallOptions & NotForCalls'. Did you mean to write 'retries'?`,
  'unknown-option-in-definition': `Object literal may only specify known properties, and 'retires' does not exist in type 'Loader<typeof import("shop")> | TaskModule<typeof import("shop")>'.`,
  'wrong-type-of-option': `Type 'string' is not assignable to type 'number'.`,
  'wrong-duration': `Type '"10 minutes"' is not assignable to type 'Duration'.`,
  'wrong-size': `Type '"1 gigabyte"' is not assignable to type 'Size'.`,
  'wrong-on-ended': `Type '() => void' is not assignable to type 'OnEnded | Reference'.`,
  'call-only-option-in-definition': `Type '"1m"' is not assignable to type '"for one call only: use with()"'.`,
  'call-only-option-of-one-task': `Type '"x"' is not assignable to type '"for one call only: use with()"'.`,
  'definition-only-option-in-with': `Type 'number' is not assignable to type '"a limit belongs where the task is defined"'.`,
  'pool-as-client': `Type 'Pool' is not assignable to type 'TransactionClient'.`,
  'no-client': `Type '{ send(): void; }' is not assignable to type 'TransactionClient'.`,
  'misspelled-export': `Object literal may only specify known properties, but 'shipp' does not exist in type 'OptionsOf<NoInfer<typeof import("shop")>>'. Did you mean to write 'ship'?`,
  'no-loader': `Type 'Promise<typeof import("shop")>' is not assignable to type 'Loader<object> | TaskModule<object>'.`,
  'asserted-wrong-argument': `Type 'number' is not assignable to type 'string'.`,
  'asserted-unknown-property': `Object literal may only specify known properties, but 'articel' does not exist in type '{ article?: string | undefined; count?: number | undefined; }'. Did you mean to write 'article'?`,
  'asserted-unknown-option': `Object literal may only specify known properties, but 'time' does not exist in type 'Expected'. Did you mean to write 'times'?`,
  'asserted-wrong-duration': `Argument of type '"5 minutes"' is not assignable to parameter of type 'Duration'.`,
  'wrong-result': `Type 'string' is not assignable to type '{ parcel: string; }'.`,
}

const compiled = compile()

for (const [name, message] of Object.entries(mistakes)) {
  test(`what the compiler says is of use: ${name}`, async (t) => {
    const line = readFileSync(join(here, 'fixtures', `${name}.ts`), 'utf8').split('\n')
    const mistaken = line.findIndex((text) => text.includes('The mistake:')) + 2
    const errors = (await compiled).filter(({ file }) => file === `fixtures/${name}.ts`)
    t.deepEqual(errors, [{ file: `fixtures/${name}.ts`, line: mistaken, message }])
  })
}

test('each mistake has its file, and nothing else fails to compile', async (t) => {
  const files = readdirSync(join(here, 'fixtures')).sort()
  t.deepEqual(
    files,
    Object.keys(mistakes)
      .map((name) => `${name}.ts`)
      .sort(),
  )
  const failing = (await compiled).map(({ file }) => file)
  t.deepEqual(failing.toSorted(), files.map((file) => `fixtures/${file}`).toSorted())
})

/** Runs the project's compiler once over all files; gives what it said, with paths that hold everywhere. */
async function compile(): Promise<{ file: string; line: number; message: string }[]> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, '--pretty', 'false', '-p', '.'], { cwd: here }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  return Array.from(
    output.matchAll(/^(\S+)\((\d+),\d+\): error TS\d+: (.*)$/gm),
    ([, file, line, message]) => ({
      file: file!,
      line: Number(line),
      message: message!.replaceAll(/import\("[^"]*\/(\w+)"\)/g, 'import("$1")'),
    }),
  )
}
