"""The function's process: gives up every right, waits to be told what to be, and becomes it.

All that does not depend on the function happens while it is still a blank. Then it either runs a Python handler where
it stands, with the runtime client that the zygote imported, or executes another runtime's program.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any, NoReturn

from stoker.bootstrap import extensions, frames, memory_image, messages, python_function
from stoker.bootstrap.job import Job
from stoker.bootstrap.python_function import CHANNEL, TASK_ROOT
from stoker.bootstrap.reaper import Reaper
from stoker.linux import credentials, namespaces, page_copies, seccomp

ORDERS = 4
OPEN_FILES = 1024
PROCESSES = 1024


def run(job: Job, reaper: Reaper) -> None:
    """Wait for the order {"kind", "handler", "environment"} and run it; returns when a Python runtime ends.

    Other runtimes are executed: "argv", or the first of "entrypoints" that is there. The kind `restored` comes with two
    descriptors, a template's image and the table that says what to do with it; the rest of its order comes when that is
    done. With "extensions", the names of external ones, comes the pipe for their output as descriptor. One that is
    "ahead" of need only says which program to start; that gets the order itself.
    """
    job.control.close()
    orders = keep_only(job)
    _give_up(job)
    received = messages.receive(orders)
    if received is None:
        os._exit(0)
    order, descriptors = received
    reaper.leave(tell_of_all="extensions" in order)
    if order.get("ahead"):
        os.set_inheritable(orders.detach(), True)
        os.environ.clear()
        os.environ.update(order["environment"], STOKER_ORDER_FD=str(ORDERS))
        _execute(order)
    if order.get("extensions"):
        extensions.launch(order["extensions"], order["environment"], descriptors[0], orders)
    if order["kind"] == "restored":
        image, table = descriptors
        memory_image.become(image, table, orders.detach())
    orders.close()
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(TASK_ROOT)
    if order["kind"] in ("python", "template"):
        python_function.run(order["handler"], template=order["kind"] == "template")
    else:
        _execute(order)


def keep_only(job: Job) -> socket.socket:
    """Standard streams on the pipe, the channel at 3, the orders' socket at 4, the user namespace at 5; no more."""
    null = os.open("/dev/null", os.O_RDONLY)
    wanted = [null, job.output, job.output, job.channel, job.orders, job.user_namespace]
    # First out of the way, so that no dup2 below closes one that is still to come.
    wanted = [os.dup2(descriptor, 100 + place) for place, descriptor in enumerate(wanted)]
    for place, descriptor in enumerate(wanted):
        os.dup2(descriptor, place, inheritable=place < CHANNEL)
    os.closerange(len(wanted), 1024)
    job.user_namespace = len(wanted) - 1
    return socket.socket(fileno=ORDERS)


def leave_platform() -> None:
    """Be no longer of Stoker's own: first to be killed when memory runs out, and in a session of its own."""
    # When memory runs out the kernel's killer must take the function: not the process that reports on it, nor, when
    # it is the machine's memory, anything of the operator's.
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")
    os.setsid()


def _give_up(job: Job) -> None:
    leave_platform()
    namespaces.setns(job.user_namespace, namespaces.CLONE_NEWUSER)
    os.close(job.user_namespace)
    credentials.limit_resources(OPEN_FILES, PROCESSES)
    credentials.drop(job.uid, job.uid, keep_groups=job.keep_groups)
    seccomp.install(job.seccomp_program)
    python_function.open_streams()
    page_copies.make(job.copies)


def _execute(order: dict[str, Any]) -> NoReturn:
    """Become another runtime's program; the channel stays open for Node's and closes with any other's exec."""
    if order["kind"] == "node":
        os.set_inheritable(CHANNEL, True)
        os.environ["STOKER_CHANNEL_FD"] = str(CHANNEL)
    argv = order.get("argv") or _entrypoint(order["entrypoints"])
    # Python ignores it, and what is ignored stays so across an exec: a shell's pipes would never end.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(argv[0], argv, os.environ)
    except OSError as error:
        refuse_entrypoint("%s: %s" % (argv[0], error.strerror))


def _entrypoint(candidates: list[str]) -> list[str]:
    """The first of them that is there."""
    there = [path for path in candidates if os.path.exists(path)]
    if not there:
        refuse_entrypoint("Couldn't find valid bootstrap(s): [%s]" % " ".join(candidates))
    return there[:1]


def refuse_entrypoint(message: str) -> NoReturn:
    """Tell the platform that there is nothing to start, and end."""
    body = frames.error_body("Runtime.InvalidEntrypoint", message)
    os.write(CHANNEL, frames.encode(frames.INIT_ERROR, {"type": "Runtime.InvalidEntrypoint"}, body))
    os._exit(1)
