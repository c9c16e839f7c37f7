// tasks.ts
import { defineTasks } from 'afterwork/tasks'

export const tasks = defineTasks(import.meta.url, { photos: () => import('./photos.ts') })
