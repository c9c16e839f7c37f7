/** What `afterwork --help` says. */
export const usage = `afterwork: background tasks for Koa that run after the response

  afterwork serve [flags]                 runs the ready-made service
  afterwork serve --watch [flags]         likewise in a checkout, and starts anew what has changed
  afterwork serve --no-work [flags]       takes requests, and leaves the tasks to other processes
  afterwork work [flags]                  runs the service's tasks, and takes no requests
  afterwork work --tasks FILE [flags]     likewise those of an app: what FILE exports of defineTasks()

  afterwork tasks list [filter]           tasks, newest first
  afterwork tasks show ID...              all that is known of a task
  afterwork tasks retry ID... | filter    runs failed or cancelled tasks again
  afterwork tasks cancel ID... | filter   cancels tasks that have not ended
  afterwork tasks purge ID... | filter    forgets tasks that have ended
  afterwork tasks stats                   how many tasks are in each state
  afterwork tasks recover [flags]         saves what can be read of a damaged queue
  afterwork pools                         the pools of the running service
  afterwork pools pause|resume NAME       lets a pool start no more tasks, or lets it go on
  afterwork pools resize NAME [sizes]     changes the sizes of a pool while it works
  afterwork top                           all of it live in the terminal; q leaves
  afterwork move --from sqlite:FILE --to postgres://...
                                          moves a queue that no process works on into PostgreSQL

  afterwork --version
  afterwork --help

Flags of serve (also as environment variables, see the README):
  --host --port --data --queue --pool-min --pool-max --mail-concurrency --max-queued --max-queued-bytes
  --max-upload --max-disk --keep-files --thumbnail-widths --token-file --mail-from --mail-allow
  --mail-redirect --mail-rate --mail-suppress --smtp-tls --smtp-ca --dkim-domain --dkim-selector --dkim-key-file
  --mail-templates --webhook-allow --webhook-secret-file --drain --log-level --no-work
Flags of work: of those of serve, the ones that do not concern requests (with --tasks: --data --queue --pool-min
--pool-max --mail-concurrency --drain --log-level), and
  --pools NAME,...            which pools to work on; all that the tasks' definitions name, and cpu
  --pool NAME=THREADS         size of a pool: NAME=MAX, NAME=MIN-MAX, and xCONCURRENCY: mail=0-1x20; repeatable
  --queue postgres://...      serve --no-work and work need a queue that several processes share
Whom tasks, pools and top ask (docs/cli.md):
  --data DIR, --queue URL     those of the service: it is asked while it runs, else the file is read
  --url URL                   a service elsewhere (AFTERWORK_URL)
  --token-file FILE           the service's token (AFTERWORK_TOKEN)
  --json                      one JSON document instead of a table
Filters:
  --state STATE  --name NAME  --before AGE|DATE (retry, cancel, purge)  --limit N  --cursor ID  --all (list)
  --yes                       asks for no confirmation
Sizes:
  --min-threads N  --max-threads N  --concurrency N
Flags of tasks recover:
  --data --queue --json
`
