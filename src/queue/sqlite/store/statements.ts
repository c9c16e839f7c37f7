import type { DatabaseSync, StatementSync } from 'node:sqlite'

export type Statements<Sql extends Record<string, string>> = { readonly [K in keyof Sql]: StatementSync }

/** Every statement, prepared when it is first used: many starts need few of them. */
export function prepareLazily<Sql extends Record<string, string>>(
  database: DatabaseSync,
  sql: Sql,
): Statements<Sql> {
  const statements = {} as { [K in keyof Sql]: StatementSync }
  for (const key of Object.keys(sql) as (keyof Sql)[]) {
    Object.defineProperty(statements, key, {
      configurable: true,
      enumerable: true,
      get() {
        const statement = database.prepare(sql[key]!)
        Object.defineProperty(statements, key, { value: statement, enumerable: true })
        return statement
      },
    })
  }
  return statements
}
