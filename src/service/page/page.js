import './ask.js'
import './icon.js'
import { watch } from './tasks.js'

void watch()
