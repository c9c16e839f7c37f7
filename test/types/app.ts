import { createAfterwork } from 'afterwork'
import { tasks } from './tasks.ts'

export const afterwork = createAfterwork({ tasks })
export const { addTask } = afterwork
