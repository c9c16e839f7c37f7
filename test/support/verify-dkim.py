"""Says whether the DKIM signature of the message on standard input verifies, by Debian's python3-dkim.

Arguments: the name of the only record that there is in DNS, and the record.
"""

import sys

import dkim

name, record = (argument.encode() for argument in sys.argv[1:])


def dns(asked, timeout=5):
    return record if asked.rstrip(b".") == name else None


print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=dns))
