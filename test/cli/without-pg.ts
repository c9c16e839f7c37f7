/** Imported first, it makes a machine where nobody installed pg and pg-boss. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (name, context, next) =>
    next(name === 'pg' || name === 'pg-boss' ? 'not-installed-at-all' : name, context),
})
