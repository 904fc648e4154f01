"""A function that does what its event says, {"do": name, "with": arguments}, to look at a sandbox from inside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

print("imported", flush=True)
ticks = 0
longest_pause_s = 0.0


def handler(event, context):
    return globals()[event["do"]](*event.get("with", []))


def echo(value):
    return value


def identity():
    return {"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "cwd": os.getcwd()}


def privileges():
    with open("/proc/self/status") as file:
        lines = [line.split() for line in file]
    return {line[0].rstrip(":"): line[1] for line in lines if line[0].startswith(("Cap", "NoNewPrivs"))}


def status():
    with open("/proc/self/status") as file:
        return file.read().splitlines()


def module_path():
    return sys.path


def platform_modules():
    return [name for name in sys.modules if name.partition(".")[0] == "stoker"]


def say(text):
    print(text, flush=True)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def leave_when_told(code):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(code))


def exists(*paths):
    return [os.path.exists(path) for path in paths]


def processes():
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def leave(code):
    os._exit(code)


def kill_itself(number):
    os.kill(os.getpid(), number)


def eat(megabytes):
    eaten = []
    for _ in range(megabytes):
        eaten.append(os.urandom(1) * (1 << 20))
    return len(eaten)


def write(path):
    try:
        with open(path, "w") as file:
            file.write("x")
    except OSError as error:
        return error.strerror
    return "written"


def fill_tmp():
    """How many MiB went into /tmp before the kernel said no, and what it said."""
    block, written = b"x" * (1 << 20), 0
    try:
        with open("/tmp/full", "wb", buffering=0) as file:
            while True:
                written += file.write(block)
    except OSError as error:
        return [written >> 20, error.strerror]


def connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        return error.strerror or str(error)
    return "connected"


def start_ticking():
    def tick():
        global ticks, longest_pause_s
        last = time.monotonic()
        while True:
            now = time.monotonic()
            longest_pause_s, last = max(longest_pause_s, now - last), now
            ticks += 1
            time.sleep(0.001)

    threading.Thread(target=tick, daemon=True).start()


def ticked():
    """How often it ticked, and the longest pause between two ticks, at least one of which is after the question."""
    asked_at = ticks
    while ticks == asked_at:
        time.sleep(0.001)
    return ticks, longest_pause_s


def kernel():
    """The first line of the kernel's log, as the running kernel tells it."""
    log = subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return log.splitlines()[0].partition("] ")[2]


def is_compiled(module):
    return os.path.exists(sys.modules[module].__cached__)


def attack_first_process(shared):
    """Signals for process 1, orphans for it to reap, and a write to where it shared a page: how the writer ended."""
    for number in range(1, 65):
        with contextlib.suppress(OSError):
            os.kill(1, number)
    for _ in range(100):
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                time.sleep(0.001)
            os._exit(0)
        os.waitpid(child, 0)
    child = os.fork()
    if child == 0:
        import ctypes

        ctypes.c_uint32.from_address(shared).value = 1
        os._exit(0)
    return os.waitpid(child, 0)[1]
