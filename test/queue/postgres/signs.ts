import pg from 'pg'

/** As though a process had given its last sign of life long ago. */
export async function forgetSigns(url: string, pid: number): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`UPDATE afterwork_boss.job SET heartbeat_on = '-infinity' WHERE state = 'active'
    AND (output->>'by')::integer IN (SELECT id FROM afterwork.processes WHERE pid = ${pid})`)
  await client.query('UPDATE afterwork_boss.queue SET monitor_on = NULL, monitor_claim_on = NULL')
  await client.query(`UPDATE afterwork.processes SET seen_on = '-infinity' WHERE pid = ${pid}`)
  await client.end()
}
