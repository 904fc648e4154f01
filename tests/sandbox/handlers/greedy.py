"""Functions that take what a machine has only so much of, for everybody on it. They tell how much they got."""

import ctypes
import errno
import os
import resource
import socket
import time

LIBC = ctypes.CDLL(None, use_errno=True)
IO_SETUP = {"x86_64": 206, "aarch64": 0}
HELD = []


def takes_asynchronous_io(event, context):
    handle = ctypes.c_ulong(0)
    result = LIBC.syscall(IO_SETUP[os.uname().machine], event["events"], ctypes.byref(handle))
    return "granted" if result == 0 else errno.errorcode[ctypes.get_errno()]


def takes_inotify_instances(event, context):
    """Stays at it until the kernel says no, and keeps what it got."""
    taken = 0
    while LIBC.inotify_init1(0) >= 0:
        taken += 1
    return taken


def goes_first(event, context):
    """Wants the processor before everybody else; tells how it stands, and why it stays there."""
    refusals = []
    for change in (
        lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
        lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
        lambda: resource.setrlimit(resource.RLIMIT_RTPRIO, (1, 1)),
    ):
        try:
            change()
            refusals.append(None)
        except (OSError, ValueError) as error:
            refusals.append(type(error).__name__)
    return {"policy": os.sched_getscheduler(0), "refusals": refusals}


def pairs_odd_sockets(event, context):
    pair = (ctypes.c_int * 2)()
    refusals = {}
    for name, family in (("inet", 2), ("netlink", 16), ("tipc", 30), ("vsock", 40)):
        refused = LIBC.socketpair(family, socket.SOCK_STREAM, 0, pair) != 0
        refusals[name] = errno.errorcode[ctypes.get_errno()] if refused else None
    return refusals


def holds_connections(event, context):
    """Opens connections until it may have no more descriptors, and keeps them open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for _ in range(soft - 50):
        try:
            HELD.append(socket.create_connection(("127.0.0.1", event["port"]), timeout=2))
        except OSError:
            continue
    return len(HELD)


def sends_without_listening(event, context):
    """Sends thousands of requests before it reads an answer; tells how many were answered."""
    answers = 0
    with socket.create_connection(("127.0.0.1", event["port"]), timeout=5) as sock:
        try:
            sock.sendall(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n" * 4000)
            while data := sock.recv(1 << 20):
                answers += data.count(b"HTTP/1.1 ")
        except OSError:
            pass
    return answers


def sends_bodies_without_end(event, context):
    """Sends the greater part of a large body on each of many connections, signed by nobody; tells how much went out."""
    key, token = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SESSION_TOKEN"]
    day = time.strftime("%Y%m%d", time.gmtime())
    head = (
        f"POST / HTTP/1.1\r\nhost: x\r\nx-amz-date: {time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}\r\n"
        f"x-amz-security-token: {token}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        f"authorization: AWS4-HMAC-SHA256 Credential={key}/{day}/us-east-1/sts/aws4_request, SignedHeaders=host, "
        f"Signature={'0' * 64}\r\ncontent-length: 16000000\r\n\r\n"
    )
    sent = 0
    for _ in range(event["connections"]):
        HELD.append(sock := socket.create_connection(("127.0.0.1", event["port"]), timeout=30))
        sock.settimeout(1)
        try:
            sock.sendall(head.encode())
            for _ in range(15):
                sent += sock.send(b"x" * 1_000_000)
        except OSError:
            continue
    return sent
