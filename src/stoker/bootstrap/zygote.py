"""The fork server: one single-threaded process per interpreter, with the runtime client imported.

It lives in the root directory that its sandboxes will have and forks on request. A child is process 1 of a new pid
namespace and goes on in `init.py`; what it imports here, all of them share. It runs no function code, ever.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import time

from stoker.bootstrap import init, messages, python_function
from stoker.bootstrap.job import Job
from stoker.linux import credentials, mounts, namespaces, seccomp


def preload() -> None:
    """Import once what every function would import, so that a fork has it for nothing."""
    import base64  # noqa: F401
    import datetime  # noqa: F401
    import decimal  # noqa: F401
    import hashlib  # noqa: F401
    import json  # noqa: F401
    import random  # noqa: F401
    import re  # noqa: F401
    import traceback  # noqa: F401
    import urllib.parse  # noqa: F401
    import uuid  # noqa: F401

    python_function.complete_interpreter()
    # The C library reads the zone file once; afterwards UTC is known without it.
    os.environ["TZ"] = ":UTC"
    time.tzset()


def serve(host: socket.socket, own_namespaces: dict[int, int], seccomp_program: bytes) -> Job | None:
    """Fork for each request until the host goes away (None), or return in a child with its job.

    `own_namespaces` are descriptors of those that it leaves and comes back to, by their kind (CLONE_NEW*).

    The request {"copies"} says what memory children will write to. {"mount": targets} comes with descriptors: a
    child's mount namespace, and a detached mount for each target. Both are answered with {}. Any other is {"uid",
    "init_uid", "hostname"} with descriptors: control, orders, channel, output, the sandbox's network and user
    namespaces, and the files by which it enters its cgroup; the answer {"pid"} with a pidfd. What failed answers
    {"error"}.
    """
    copies: list[tuple[int, int]] = []
    while True:
        received = messages.receive(host)
        if received is None:
            return None
        message, descriptors = received
        if "copies" in message:
            copies = message["copies"]
            messages.send(host, {})
            continue
        if "mount" in message:
            messages.send(host, _mount(message["mount"], descriptors, own_namespaces[namespaces.CLONE_NEWNS]))
            for descriptor in descriptors:
                os.close(descriptor)
            continue
        try:
            # A pid namespace begins with the next child, so one fork suffices; then back, for it would nest.
            namespaces.unshare(namespaces.CLONE_NEWPID)
            pid = os.fork()
        except OSError as error:
            namespaces.setns(own_namespaces[namespaces.CLONE_NEWPID], namespaces.CLONE_NEWPID)
            messages.send(host, {"error": str(error)})
            continue
        if pid == 0:
            for own in own_namespaces.values():
                os.close(own)
            host.close()
            return Job(*descriptors, seccomp_program=seccomp_program, copies=copies, **message)
        namespaces.setns(own_namespaces[namespaces.CLONE_NEWPID], namespaces.CLONE_NEWPID)
        pidfd = os.pidfd_open(pid)
        messages.send(host, {"pid": pid}, (pidfd,))
        for descriptor in (*descriptors, pidfd):
            os.close(descriptor)


def _mount(targets: list[str], descriptors: list[int], own: int) -> dict[str, object]:
    """Hang detached mounts into a child's mount namespace, in which nothing of a function's has run yet.

    Not the child: having waited for this with all its rights it would still have to give them up while its function
    starts, and so would still need all the memory that it takes.
    """
    namespace, *detached = descriptors
    try:
        namespaces.setns(namespace, namespaces.CLONE_NEWNS)
        for descriptor, target in zip(detached, targets):
            mounts.attach(descriptor, target)
    except OSError as error:
        return {"error": str(error)}
    finally:
        namespaces.setns(own, namespaces.CLONE_NEWNS)
    return {}


def main(host_descriptor: int, own_namespaces: dict[int, int]) -> None:
    """Preload and serve; in a child, become an environment's process 1."""
    credentials.set_parent_death_signal(signal.SIGKILL)
    # Children are reaped by the kernel; the host watches them through their pidfds.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = socket.socket(fileno=host_descriptor)
    preload()
    seccomp_program = seccomp.compile_filter()
    gc.collect()
    # What is alive now is every child's; the collector must not touch it, or each child copies its pages.
    gc.freeze()
    messages.send(host, {"ready": True})
    job = serve(host, own_namespaces, seccomp_program)
    if job is not None:
        init.run(job)
