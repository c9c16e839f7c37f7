"""What FastAPI's documentation shows for uploads, kept as safely: file and folder are on the disk before the answer."""

import os
import shutil
import sys
import threading
import uuid

import uvicorn
from fastapi import FastAPI, UploadFile

folder = sys.argv[1]
app = FastAPI()


@app.post("/", status_code=202)
def store(file: UploadFile):
    name = uuid.uuid4().hex
    with open(os.path.join(folder, name), "xb") as stored:
        shutil.copyfileobj(file.file, stored, 1024 * 1024)
        stored.flush()
        os.fsync(stored.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return {"id": name}


class Server(uvicorn.Server):
    """Tells its port once it listens."""

    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False)).run()
