import { testAfterwork } from 'afterwork/testing'
import { tasks } from './tasks.ts'

export const underTest = testAfterwork({ tasks })
