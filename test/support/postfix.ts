import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Ending } from './endings.ts'
import { temporaryFolder, untilFolder } from './folder.ts'
import { freePort } from './port.ts'

const run = promisify(execFile)
const realm = 'mx.example.com'

/**
 * Postfix, of Debian's, with a configuration and a queue of its own. It takes mail for example.org from whoever has
 * logged in, over TLS only, and delivers it to a folder. It needs root.
 */
export class Postfix {
  readonly #folder: string
  readonly #port: number

  constructor(folder: string, port: number) {
    this.#folder = folder
    this.#port = port
  }

  /** For SMTP_URL. */
  get url(): string {
    return `smtp://shop:${encodeURIComponent('pass word')}@127.0.0.1:${this.#port}`
  }

  /** The certificate that it shows, for NODE_EXTRA_CA_CERTS. */
  get certificate(): string {
    return join(this.#folder, 'certificate.pem')
  }

  async configure(): Promise<void> {
    const folder = this.#folder
    // Its processes are users of their own.
    await chmod(folder, 0o711)
    for (const name of ['conf', 'conf/sasl', 'queue', 'data', 'mail', 'mail/all', 'mail/all/new'])
      await mkdir(join(folder, name))
    for (const name of ['data', 'mail/all', 'mail/all/new']) await this.#give(join(folder, name))
    await this.#makeCertificate()
    await this.#makeLogin()
    const daemons = (await run('postconf', ['-dh', 'daemon_directory'])).stdout.trim()
    await writeFile(join(folder, 'conf/main.cf'), settings(folder, daemons, await postfixIds()))
    await writeFile(join(folder, 'conf/master.cf'), services(this.#port))
  }

  /** Resolves once it takes connections. */
  async start(): Promise<void> {
    await this.#command('start')
  }

  /** As a restart of its machine does it: what it is doing ends first. */
  async stop(): Promise<void> {
    await this.#command('stop')
  }

  /** The messages that were delivered, once there are so many. */
  async delivered(count: number): Promise<Buffer[]> {
    const folder = join(this.#folder, 'mail/all/new')
    const names = await untilFolder(folder, ({ length }) => length >= count)
    return Promise.all(names.map((name) => readFile(join(folder, name))))
  }

  /** Resolves once it has delivered all that it took. */
  async untilIdle(): Promise<void> {
    const folders = ['incoming', 'active', 'deferred'].map((name) => join(this.#folder, 'queue', name))
    while ((await Promise.all(folders.map((folder) => readdir(folder)))).flat().length > 0);
  }

  async #command(command: string): Promise<void> {
    await run('postfix', ['-c', join(this.#folder, 'conf'), command])
  }

  async #makeCertificate(): Promise<void> {
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const names = ['-subj', `/CN=${realm}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', join(this.#folder, 'key.pem'), '-out', this.certificate]
    await run('openssl', ['req', ...kind, ...names, ...files])
  }

  async #makeLogin(): Promise<void> {
    const database = join(this.#folder, 'conf/sasl/users')
    const made = run('saslpasswd2', ['-p', '-c', '-f', database, '-u', realm, 'shop'])
    made.child.stdin!.end('pass word')
    await made
    await this.#give(database)
    const lines = ['pwcheck_method: auxprop', 'auxprop_plugin: sasldb', 'mech_list: PLAIN LOGIN']
    // Where Debian's looks for it.
    await writeFile(
      join(this.#folder, 'conf/sasl/smtpd.conf'),
      [...lines, `sasldb_path: ${database}`, ''].join('\n'),
    )
  }

  async #give(path: string): Promise<void> {
    const { uid, gid } = await postfixIds()
    await chown(path, uid, gid)
  }
}

/** A server that ends with the test. */
export async function startPostfix(ending: Ending): Promise<Postfix> {
  const postfix = new Postfix(await temporaryFolder(ending), await freePort())
  await postfix.configure()
  await postfix.start()
  ending.teardown(() => postfix.stop().catch(() => {}))
  return postfix
}

async function postfixIds(): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postfix'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

function settings(folder: string, daemons: string, { uid, gid }: { uid: number; gid: number }): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
daemon_directory = ${daemons}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = ${realm}
mydestination =
alias_maps =
local_recipient_maps =
mynetworks =
maillog_file = ${folder}/data/log
maillog_file_prefixes = ${folder}
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = ${folder}/key.pem, ${folder}/certificate.pem
smtpd_tls_received_header = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_authenticated_header = yes
smtpd_sasl_local_domain = ${realm}
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
virtual_mailbox_domains = example.org
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${gid}
virtual_minimum_uid = 1
`
}

function services(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
`
}
