/** An app on a machine where nobody installed prom-client; says how metrics() is refused. */
import { registerHooks } from 'node:module'
import { createAfterwork } from 'afterwork'
import { quick } from '../support/app.ts'

registerHooks({
  resolve: (name, context, next) => next(name === 'prom-client' ? 'not-installed-at-all' : name, context),
})
const afterwork = createAfterwork(quick)
await afterwork.start()
const refused = await afterwork.metrics().then(
  () => 'not at all',
  ({ code, message }: NodeJS.ErrnoException) => `${code} ${message}`,
)
process.stdout.write(refused)
await afterwork.stop()
