"""Functions that misbehave, each in one way. They run inside a sandbox and report what they achieved."""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

LIBC = ctypes.CDLL(None, use_errno=True)
# Long enough to be worth a template, where a test asks for that.
while time.process_time() < float(os.environ.get("SLOW_INIT", "0")):
    pass


def exits(event, context):
    sys.exit(event["status"])


def kills_itself(event, context):
    os.kill(os.getpid(), signal.SIGKILL)


def segfaults(event, context):
    ctypes.string_at(0)


def forks_a_thousand_times(event, context):
    children = []
    try:
        for _ in range(3000):
            pid = os.fork()
            if pid == 0:
                time.sleep(3000)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        refused = errno.errorcode[error.errno]
    else:
        refused = None
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {"forked": len(children), "refused": refused}


def leaves_children_behind(event, context):
    pids = [subprocess.Popen(["/bin/sleep", event["seconds"]]).pid for _ in range(3)]
    return {"pids": pids}


def fills_memory(event, context):
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1024)) * 4096)


def fills_memory_in_a_child(event, context):
    code = "x=[]\nwhile True: x.append(bytearray(b'x') * 4000000)"
    return {"status": subprocess.run([sys.executable, "-c", code], check=False).returncode}


def fills_tmp(event, context):
    written = 0
    try:
        with open("/tmp/fill", "wb", buffering=0) as file:
            while True:
                written += file.write(b"x" * (1 << 20))
    except OSError as error:
        os.unlink("/tmp/fill")
        return {"written": written, "refused": errno.errorcode[error.errno]}


def remembers_in_tmp(event, context):
    before = sorted(set(os.listdir("/tmp")) - {"lost+found"})
    with open("/tmp/note", "w") as file:
        file.write("was here")
    return {"before": before}


def floods_the_log(event, context):
    for number in range(event["lines"]):
        print(number, "x" * 200)
    return "done"


def prints_a_long_line(event, context):
    print("y" * 10_000_000)
    return "done"


def answers_too_much(event, context):
    return "z" * 7_000_000


def never_answers(event, context):
    while True:
        time.sleep(1)


def spins_for_ever(event, context):
    while True:
        pass


def ignores_signals_for_ever(event, context):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def closes_its_sockets(event, context):
    os.closerange(3, 1024)
    return "nobody hears this"


def writes_garbage_to_its_sockets(event, context):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff" * 65536)
        except OSError:
            continue
    return "garbled"


def talks_nonsense_to_the_runtime_api(event, context):
    answers = []
    base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]
    for path in event["paths"]:
        request = urllib.request.Request(base + path, data=b"\x00nonsense", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answers.append(answer.status)
        except urllib.error.HTTPError as error:
            answers.append(error.code)
        except OSError as error:
            answers.append(type(error).__name__)
    for raw in (b"\x00" * 100_000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50_000, b"POST / HTTP/9.9\r\n\r\n"):
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        with socket.create_connection((host, int(port)), timeout=60) as sock:
            try:
                sock.sendall(raw)
                sock.settimeout(2)
                sock.recv(100)
            except OSError:
                continue
    return answers


def reads_files(event, context):
    readable = []
    for path in event["paths"]:
        try:
            with open(path, "rb") as file:
                file.read(1)
            readable.append(path)
        except OSError:
            continue
    return readable


def writes_files(event, context):
    written = []
    for path in event["paths"]:
        try:
            with open(path, "ab") as file:
                file.write(b"x")
            written.append(path)
        except OSError:
            continue
    return written


def sees(event, context):
    """What the process can tell of where it is."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return {
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "root": sorted(os.listdir("/")),
        "uid": os.getuid(),
        "groups": os.getgroups(),
        "hostname": socket.gethostname(),
        "capabilities": status["CapEff"],
        "bounding": status["CapBnd"],
        "no_new_privs": status["NoNewPrivs"],
        "seccomp": status["Seccomp"],
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "environment": dict(os.environ),
    }


def connects(event, context):
    reached = []
    for host, port in event["addresses"]:
        try:
            with socket.create_connection((host, port), timeout=event.get("patience_s", 0.3)):
                reached.append([host, port])
        except OSError:
            continue
    return reached


def listens(event, context):
    listener = socket.create_server(("0.0.0.0", event["port"]))
    threading.Thread(target=listener.accept, daemon=True).start()
    # The address by which it would leave; connecting a datagram socket sends nothing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return None


SYSTEM_CALLS = {
    "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0),
    "umount2": (166, b"/tmp", 2),
    "pivot_root": (155, b"/tmp", b"/tmp"),
    "chroot": (161, b"/tmp"),
    "unshare-user": (272, 0x10000000),
    "unshare-mount": (272, 0x00020000),
    "setns": (308, 3, 0),
    "clone-user": (56, 0x10000000 | 17, 0, 0, 0, 0),
    "ptrace-attach": (101, 16, 1, 0, 0),
    "ptrace-traceme": (101, 0, 0, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "keyctl": (250, 0, -3, 1),
    "add_key": (248, b"user", b"x", b"y", 1, -3),
    "request_key": (249, b"user", b"x", 0, 0),
    "bpf": (321, 0, 0, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "userfaultfd": (323, 1),
    "init_module": (175, 0, 0, b""),
    "finit_module": (313, 0, b"", 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "reboot": (169, 0xFEE1DEAD, 672274793, 0, 0),
    "swapon": (167, b"/tmp/x", 0),
    "settimeofday": (164, 0, 0),
    "sethostname": (170, b"mine", 4),
    "iopl": (172, 3),
    "open_by_handle_at": (304, -100, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "open_tree": (428, -100, b"/", 1),
    "move_mount": (429, -100, b"/", -100, b"/tmp", 0),
    "fsopen": (430, b"tmpfs", 0),
    "mount_setattr": (442, -100, b"/", 0, 0, 0),
    "pidfd_getfd": (438, 3, 0, 0),
    "setuid-root": (105, 0),
    "mknod": (133, b"/tmp/disk", 0o060666, 0x0800),
}


def calls(event, context):
    """Which of the system calls above the kernel granted."""
    granted = []
    for name, arguments in SYSTEM_CALLS.items():
        result = LIBC.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
        if result == 0 and name == "clone-user":
            os._exit(0)
        if result >= 0:
            granted.append(name)
    return granted


def opens_odd_sockets(event, context):
    opened = []
    for name, family, kind in [("packet", 17, socket.SOCK_RAW), ("raw", 2, socket.SOCK_RAW), ("vsock", 40, 1)]:
        try:
            socket.socket(family, kind).close()
            opened.append(name)
        except OSError:
            continue
    return opened


COUNT = 0
LONGEST_PAUSE_S = 0.0
TICKED = threading.Event()


def counts(event, context):
    """The neighbour: harmless, and tells whether its environment is still the same."""
    global COUNT
    COUNT += 1
    return COUNT


def ticks_in_the_background(event, context):
    """The longest time that a background thread got nothing, which is any that passes between invocations."""
    global COUNT
    COUNT += 1
    if COUNT == 1:

        def tick():
            global LONGEST_PAUSE_S
            last = time.monotonic()
            while True:
                now = time.monotonic()
                LONGEST_PAUSE_S, last = max(LONGEST_PAUSE_S, now - last), now
                TICKED.set()
                time.sleep(0.005)

        threading.Thread(target=tick, daemon=True).start()
    TICKED.clear()
    TICKED.wait()
    return LONGEST_PAUSE_S
