/**
 * Says what the queue's database is loaded with as machines are added, what breaks first, and what to do then:
 * npm run simulate [-- --machines 1,10,100 --rate 20 --work 100 --seed 1 --json]
 * Of the load: --size (bytes), --grouped, --unique, --limited (shares). Of what carries it: --threads (a machine),
 * --cores, --fsync (ms), --network (ms) and --connections of the database.
 * docs/scaling.md says what is in the model and what is not.
 */
import { Forecaster } from './simulate/forecast.ts'
import { parseOptions, type Options } from './simulate/options.ts'
import { reportDocument, reportLines } from './simulate/report.ts'

const options = read()
if (options !== undefined) {
  const { machines, scenario, json } = options
  const forecaster = new Forecaster(scenario)
  const forecasts = machines.map((size) => forecaster.forecast(size))
  const breaks = forecaster.breaks(machines)
  if (json) console.log(JSON.stringify(reportDocument(scenario, forecasts, breaks)))
  else for (const line of reportLines(scenario, forecasts, breaks)) console.log(line)
}

function read(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`simulate: ${(error as Error).message}`)
    process.exitCode = 1
    return undefined
  }
}
