import test from 'ava'
import { Endings } from '../../support/endings.ts'
import { queueDatabases, type QueueDatabases } from '../../support/queue-database.ts'
import { newGroup, newTask } from '../conformance/subject.ts'
import { connect, join } from './joined.ts'

let databases: QueueDatabases
const endings = new Endings()
test.before(async () => {
  databases = await queueDatabases(endings)
})
test.after.always(() => endings.run())

/** How commits that change tasks reach the disk, in a table. */
const spy = `
  CREATE TABLE public.commits (how text, what text);
  CREATE FUNCTION public.note_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO public.commits VALUES (current_setting('synchronous_commit'), TG_OP);
      RETURN NULL;
    END
  $$;
  CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON afterwork.tasks FOR EACH ROW EXECUTE FUNCTION public.note_commit();`

for (const [set, kept] of [
  ['off', 'on'],
  ['local', 'local'],
  ['remote_apply', 'remote_apply'],
] as const) {
  test(`postgres: where the default of a database is synchronous_commit = ${set}, tasks are committed with ${kept}`, async (t) => {
    const url = await databases.create(t)
    const client = await connect(t, url)
    await client.query(spy)
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
    await client.query(`ALTER DATABASE ${rows[0]!.name} SET synchronous_commit = ${set}`)

    const one = await join(t, url)
    const simple = newTask()
    await one.add(simple)
    await one.end(t, simple)
    const group = newGroup({}, {})
    await one.hold(...group)
    await one.engine.release(group.map(({ id }) => id))
    for (const task of group) await one.end(t, task)
    const held = newTask()
    await one.hold(held)
    await one.engine.discard([held.id])

    const commits = await client.query<{ what: string; how: string }>(
      'SELECT DISTINCT what, how FROM public.commits ORDER BY what',
    )
    t.deepEqual(
      commits.rows,
      ['DELETE', 'INSERT', 'UPDATE'].map((what) => ({ what, how: kept })),
    )
  })
}
