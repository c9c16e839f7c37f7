import { defineTasks } from 'afterwork/tasks'
import { addTask } from '../app.ts'

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** A module of 300 tasks. */
type Many = {
  [K in `task${0 | 1 | 2}${Digit}${Digit}`]: (
    id: number,
    options?: { tags: string[]; at?: Date },
  ) => Promise<K>
}

declare const load: () => Promise<Many>

const { many } = defineTasks(import.meta.url, { many: { load, tasks: { task123: { retries: 1 } } } })

export async function add(): Promise<void> {
  await addTask(many.task000, 1)
  await addTask(many.task299.with({ priority: 1 }), 1, { tags: ['last'], at: new Date() })
  // @ts-expect-error there are 300
  await addTask(many.task300, 1)
}
