"""Process 1 of an environment: enters the namespaces, starts the function's process, gives up every right, and reaps.

It exists so that the function is not process 1 itself, which the kernel shields from signals and makes the parent of
every orphan. All of it is done ahead of need, and nothing of it depends on the function: what that has of its own is
hung into the mount namespace from outside (see `zygote.serve`). It runs no function code.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from stoker.bootstrap import messages, worker
from stoker.bootstrap.job import Job
from stoker.bootstrap.reaper import Reaper
from stoker.linux import credentials, mounts, namespaces

NAMESPACES = namespaces.CLONE_NEWNS | namespaces.CLONE_NEWIPC | namespaces.CLONE_NEWUTS | namespaces.CLONE_NEWCGROUP
# What /proc says of the machine's kernel rather than of the sandbox; each readable by any user.
MASKED = ("/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/config.gz", "/proc/sched_debug", "/proc/kcore")


def run(job: Job, work: Callable[[Job, Reaper], None] = worker.run) -> None:
    """Be process 1 until the worker ends; returns only in the worker, when `work` does.

    The host is told {"ready"} with the worker's pidfd and the mount namespace, and then of ends: see `reaper.REPORT`.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _enter(job)
    reaper = Reaper()
    pid = os.fork()
    if pid == 0:
        work(job, reaper)
        return
    _shield_from_worker()
    told = (os.pidfd_open(pid), namespaces.current(namespaces.CLONE_NEWNS))
    for descriptor in (job.orders, job.channel, job.output, job.network_namespace):
        os.close(descriptor)
    _drop(job)
    messages.send(job.control, {"ready": True}, told)
    for descriptor in told:
        os.close(descriptor)
    reaper.run(job.control.fileno())


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


def _drop(job: Job) -> None:
    """From here on this process only waits: it needs no right but to speak on its control socket."""
    namespaces.setns(job.user_namespace, namespaces.CLONE_NEWUSER)
    os.close(job.user_namespace)
    credentials.drop(job.init_uid, job.init_uid, keep_groups=job.keep_groups)
    # A change of ids clears it.
    credentials.set_parent_death_signal(signal.SIGKILL)
