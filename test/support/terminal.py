# A pseudo-terminal for the tests: runs a command in one, writes out all that it shows, and does what each line of
# standard input says: {"keys": "q"} types, {"size": [rows, columns]} resizes. Ends with the code of the command.
import fcntl, json, os, pty, select, signal, struct, sys, termios

def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
resize(terminal, 24, 100)
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
asked = b""
open_inputs = [terminal, 0]
while True:
    ready, _, _ = select.select(open_inputs, [], [])
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:
            shown = b""
        if not shown:
            break
        os.write(1, shown)
    if 0 in ready:
        more = os.read(0, 65536)
        if not more:
            open_inputs.remove(0)
        asked += more
        *lines, asked = asked.split(b"\n")
        for line in lines:
            wish = json.loads(line)
            if "keys" in wish:
                os.write(terminal, wish["keys"].encode())
            if "size" in wish:
                resize(terminal, *wish["size"])
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
