"""Sends as many messages as each line of standard input says, over as many connections as it was started with."""

import json
import smtplib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from itertools import count
from queue import SimpleQueue

port, connections = int(sys.argv[1]), int(sys.argv[2])
letter = json.loads(sys.argv[3])
clients = SimpleQueue()
written = count(1)


def send(_):
    message = EmailMessage()
    message["From"] = letter["from"]
    message["To"] = f"reader-{next(written)}@example.test"
    message["Subject"] = letter["subject"]
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="afterwork.test")
    message.set_content(letter["text"])
    client = clients.get()
    try:
        client.send_message(message)
    finally:
        # Or the others would wait for it for ever when the server is gone.
        clients.put(client)


for _ in range(connections):
    clients.put(smtplib.SMTP("127.0.0.1", port, local_hostname="localhost"))

with ThreadPoolExecutor(connections) as threads:
    for line in sys.stdin:
        before = time.process_time()
        for _ in threads.map(send, range(int(line))):
            pass
        print(time.process_time() - before, flush=True)
