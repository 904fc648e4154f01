"""A function whose init is worth a template, and what it says of itself. Deployed by the tests of snapshots."""

import os
import random
import socket
import ssl
import tempfile
import threading
import time
import uuid

BORN = uuid.uuid4().hex
COUNTS = {"calls": 0, "child": 0}
FILE = open(__file__)  # noqa: SIM115
FILE.read(5)
with open("/tmp/left", "w") as file:
    file.write("by the init")
SOCKET = socket.socket()
SOCKET.connect(("127.0.0.1", 9001))
ssl.RAND_bytes(8)
os.register_at_fork(after_in_child=lambda: COUNTS.update(child=COUNTS["child"] + 1))
while time.process_time() < 0.08:
    pass
if os.environ.get("THREADS"):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()


def tells(event, context):
    COUNTS["calls"] += 1
    try:
        SOCKET.send(b"x")
        connected = True
    except OSError:
        connected = False
    return {
        **COUNTS,
        "born": BORN,
        "random": random.random(),
        "uuid": uuid.uuid4().hex,
        "ssl": ssl.RAND_bytes(8).hex(),
        "name": os.path.basename(tempfile.mktemp()),
        "position": FILE.tell(),
        "read": FILE.read(5),
        "left": open("/tmp/left").read(),
        "connected": connected,
        "stream": context.log_stream_name,
        "kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "key": os.environ["AWS_ACCESS_KEY_ID"],
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "threads": threading.active_count(),
    }
