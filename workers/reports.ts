import { setImmediate } from 'node:timers/promises'
import { currentTask, writeVariant, type StoredFile } from 'afterwork/worker'
import { tasks } from '../src/service/tasks.ts'
import { fileError } from './files/error.ts'
import { kindOf, type Kind } from './files/kind.ts'
import type { Variant } from './files/reading.ts'
import type { TableProfile } from './files/table.ts'

/** What a request may decide of a report. */
export interface ReportOptions {
  /** When it was asked for; it stands in the report, which is the same each time it is made again. */
  date: Date
  /** Validated addresses; each gets a mail of its own. */
  to?: readonly string[]
  /** Of those mails. Default: `Report: ` and the name of the file. */
  subject?: string
}

/** What became of a report. */
export interface SummarisedFile {
  /** Of the file. */
  id: string
  /** What the client called the file. */
  name: string
  /** Without the header. */
  rows: number
  columns: number
  charts: number
  /** What a person should know of the table, at most some twenty sentences. */
  notes: string[]
  /** `report.html` and `report.pdf`. */
  variants: Variant[]
  /** The tasks that mail it. */
  mails: { id: string; name: string }[]
}

/** The shares of the progress after the first and the second reading of the rows. */
const [profiled, charted] = [0.45, 0.85]

/**
 * Summarises a stored CSV or TSV file as a page and a PDF with charts, `report.html` and `report.pdf` beside the file, and
 * mails both to whoever is named: tasks that are added with the end of this one, so that there is no report without its
 * mails and no mail without its report. The same file and options give the same bytes.
 * @throws FILE_GONE, NOT_A_TABLE; the codes of a table in docs/files.md; the signal's reason
 */
export async function summarise(file: StoredFile, options: ReportOptions): Promise<SummarisedFile> {
  const { signal, progress, log, addTask } = currentTask()
  // What draws and writes is loaded when the first report is asked for.
  const [{ summaryOf }, { html }, { pdf }, { letterOf }] = await Promise.all([
    import('./reports/summary.ts'),
    import('./reports/html.ts'),
    import('./reports/pdf.ts'),
    import('./reports/letter.ts'),
  ])
  const table = await tableOf(file, signal, (part) => progress(profiled * part, 'reading rows'))
  const report = await summaryOf(file, table, {
    date: options.date,
    signal,
    progress: (bytes) =>
      progress(profiled + (charted - profiled) * Math.min(1, bytes / file.size), 'counting for the charts'),
  })

  progress(charted, 'writing the page')
  const page = Buffer.from(html(report))
  await pause()
  progress(0.9, 'writing the PDF')
  const paper = await pdf(report, pause)
  const variants = [await written('report.html', page), await written('report.pdf', paper)]

  const letter = letterOf(file, report, options.subject)
  const send = tasks.mail.sendEmail.with({ ordered: false })
  const mails = (options.to ?? []).map((to) => addTask(send, { ...letter, to }))
  progress(1, 'done')
  log.info('report made', { file: file.id, rows: table.rows, mails: mails.length })
  return {
    id: file.id,
    name: file.name,
    rows: table.rows,
    columns: table.width,
    charts: report.charts.length,
    notes: report.notes,
    variants,
    mails,
  }

  /** Between pieces of work: lets the thread hear that it should stop. */
  async function pause(): Promise<void> {
    await setImmediate()
    signal.throwIfAborted()
  }

  async function written(name: string, data: Buffer): Promise<Variant> {
    signal.throwIfAborted()
    await writeVariant(file, name, data)
    return { name, size: data.length }
  }
}

async function tableOf(
  file: StoredFile,
  signal: AbortSignal,
  progress: (fraction: number) => void,
): Promise<TableProfile> {
  const kind = await kindOfStored(file)
  if (kind?.family !== 'table') {
    throw fileError('NOT_A_TABLE', `Expected a CSV or TSV file, got ${kind?.mime ?? 'one of unknown kind'}`)
  }
  const { readTable } = await import('./files/table.ts')
  const { table } = await readTable({ file, kind, signal, progress, widths: [] })
  return table!
}

/** The file may have gone between the request and now, for it is kept only so long. */
async function kindOfStored(file: StoredFile): Promise<Kind | null> {
  try {
    return await kindOf(file.path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw fileError('FILE_GONE', 'Expected the file that was uploaded, got none: it is no longer kept', cause)
  }
}
