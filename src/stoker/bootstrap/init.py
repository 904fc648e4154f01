"""Process 1 of an environment: enters the namespaces, starts the function's process, mounts, and reaps.

It exists so that the function is not process 1 itself, which the kernel shields from signals and makes the parent of
every orphan. As a *blank* it has done everything that does not depend on the function and waits, still privileged, to
be told which one it is. Once told it mounts, drops every right and waits for its worker's end. It runs no function
code. Where the function has external extensions it outlives the worker, and tells of their ends too.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable

from stoker.bootstrap import messages, worker
from stoker.bootstrap.job import Job
from stoker.linux import credentials, mounts, namespaces, page_copies

NAMESPACES = namespaces.CLONE_NEWNS | namespaces.CLONE_NEWIPC | namespaces.CLONE_NEWUTS | namespaces.CLONE_NEWCGROUP
# What /proc says of the machine's kernel rather than of the sandbox; each readable by any user.
MASKED = ("/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/config.gz", "/proc/sched_debug", "/proc/kcore")


def run(job: Job, work: Callable[[Job, socket.socket], None] = worker.run) -> None:
    """Be process 1 until the worker ends; returns only in the worker, when `work` does.

    `work` gets the job and a socket over which the host's order comes, once everything is mounted.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _enter(job)
    go, start = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        start.close()
        work(job, go)
        return
    go.close()
    _shield_from_worker()
    worker_pidfd = os.pidfd_open(pid)
    for descriptor in (job.channel, job.output, job.network_namespace):
        os.close(descriptor)
    credentials.set_parent_death_signal(signal.SIGKILL)
    page_copies.make(job.copies["init"])
    messages.send(job.control, {"ready": True}, (worker_pidfd,))
    os.close(worker_pidfd)
    order = messages.receive(job.control)
    if order is not None and order[0].get("ahead"):
        # For the worker alone: its program starts ahead of need, and waits for what follows as this process does.
        messages.send(start, order[0])
        order = messages.receive(job.control)
    if order is None:
        os._exit(0)
    rest = _mount(*order)
    # The program may have ended; then that is what there is to tell.
    with contextlib.suppress(BrokenPipeError):
        messages.send(start, order[0], rest)
    for descriptor in rest:
        os.close(descriptor)
    _drop(job)
    if order[0].get("extensions"):
        _report_all_ends(job, pid, start)
    start.close()
    _report_end(job, pid)


def _enter(job: Job) -> None:
    # Itself and while it has one thread: see linux.cgroup_entry. Everything that it starts is then limited too.
    for entrance in job.cgroup_entrances:
        os.write(entrance, b"0")
        os.close(entrance)
    namespaces.setns(job.network_namespace, namespaces.CLONE_NEWNET)
    namespaces.unshare(NAMESPACES)
    # Without this the mounts below would show in the zygote and in every other sandbox.
    mounts.make_private()
    namespaces.set_hostname(job.hostname)
    _show_own_processes()
    for path in MASKED:
        if os.path.exists(path):
            mounts.bind("/dev/null", path, nodev=False)


def _shield_from_worker() -> None:
    """Hold also where the function has the same uid, as it must where the user namespace has only one.

    Process 1 ignores every signal from its own namespace that it has no handler for; ptrace is not to be had in there.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Not dumpable: nobody of the same uid may look into /proc/1, its memory and its descriptors.
    credentials.set_dumpable(False)


def _show_own_processes() -> None:
    fd = mounts.new_proc()
    if os.path.ismount("/proc"):
        # The host's, kept this far because the kernel shows the root of a user namespace no proc if it sees none.
        mounts.detach("/proc")
    mounts.attach(fd, "/proc")
    os.close(fd)


def _mount(order: dict[str, object], descriptors: list[int]) -> tuple[int, ...]:
    """Attach the detached mounts that came along; `order["mounts"]` names their places in the same order.

    Descriptors beyond those are the worker's.
    """
    targets: list[str] = order.pop("mounts")  # type: ignore[assignment]
    for descriptor, target in zip(descriptors, targets):
        mounts.attach(descriptor, target)
        os.close(descriptor)
    return tuple(descriptors[len(targets) :])


def _drop(job: Job) -> None:
    """From here on this process only waits: it needs no right but to speak on its control socket."""
    namespaces.setns(job.user_namespace, namespaces.CLONE_NEWUSER)
    os.close(job.user_namespace)
    credentials.drop(job.init_uid, job.init_uid, keep_groups=job.keep_groups)
    # A change of ids clears it.
    credentials.set_parent_death_signal(signal.SIGKILL)


def _report_end(job: Job, worker_pid: int) -> None:
    while True:
        pid, status, usage = os.wait4(-1, 0)
        if pid == worker_pid:
            break
    _tell(job, _end(status, usage))
    # The end of process 1 is the end of every process in its namespace.
    os._exit(0)


def _report_all_ends(job: Job, worker_pid: int, worker: socket.socket) -> None:
    """Tell of the ends of the worker and of each extension, until nobody is left or the host ends it all.

    What the host is told of an extension has its name as "extension"; one that could not be executed, its "errno".
    """
    told = messages.receive(worker)
    worker.close()
    pids, refused = (told[0]["extensions"], told[0]["refused"]) if told else ({}, {})
    names = {pid: name for name, pid in pids.items() if name not in refused}
    for name, number in refused.items():
        _tell(job, {"extension": name, "errno": number})
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            os._exit(0)
        if pid == worker_pid:
            _tell(job, _end(status, usage))
        elif pid in names:
            _tell(job, {**_end(status, usage), "extension": names.pop(pid)})


def _end(status: int, usage: resource.struct_rusage) -> dict[str, object]:
    message: dict[str, object] = (
        {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
    )
    # In KiB (getrusage(2)): the largest of the process and of the children that it waited for.
    message["max_memory_bytes"] = usage.ru_maxrss * 1024
    return message


def _tell(job: Job, message: dict[str, object]) -> None:
    # The host may have gone first; then nobody wants to know.
    with contextlib.suppress(BrokenPipeError):
        messages.send(job.control, message)
