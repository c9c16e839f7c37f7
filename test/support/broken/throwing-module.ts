import { defineTasks } from 'afterwork/tasks'

/** Tasks one of whose modules throws when it is loaded. */
export const tasks = defineTasks(import.meta.url, {
  bad: () => Promise.reject<object>(new Error('no database here\nand a second line')),
})
