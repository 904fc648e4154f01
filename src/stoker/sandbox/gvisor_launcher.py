"""The fork server of gVisor's sandboxes: what a zygote is to the Linux driver's, but its forks become `runsc`.

`python -m stoker.sandbox.gvisor_launcher DESCRIPTOR DIRECTORY RUNTIME_DIR RUNSC PLATFORM PROGRAM [SHARED_DIRECTORY…]`.

It builds the root at DIRECTORY/root, in a mount namespace of its own. A fork is process 1 of a sandbox as in
`bootstrap.init`: it hangs the function's mounts into a copy of that root, and its worker becomes `runsc run`. The
container's description and runsc's state lie on a tmpfs in that copy, and every process of gVisor is a descendant of
process 1 in its pid namespace: when that ends, whatever ends it, nothing is left.
"""

import errno
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from stoker.bootstrap import extensions, init, messages, rootfs, worker, zygote
from stoker.bootstrap.job import Job
from stoker.bootstrap.python_function import CHANNEL, TASK_ROOT
from stoker.bootstrap.reaper import Reaper
from stoker.linux import credentials, mounts, namespaces
from stoker.sandbox import gvisor_container
from stoker.sandbox.gvisor_runsc import SIGNAL_CODES, Runsc

BUNDLE_BYTES = 16 << 20
CONTAINER = "function"
POLL_S = 0.01
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """Where this launcher's containers have their root and bundle: each sees its own mounts there."""

    directory: Path
    runsc: Runsc

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def bundle(self) -> Path:
        return self.directory / "bundle"

    @property
    def state(self) -> Path:
        return self.bundle / "state"

    def work(self, job: Job, reaper: Reaper) -> None:
        """The worker of a blank: wait for the order (`gvisor_container.order`), then become runsc."""
        job.control.close()
        orders = worker.keep_only(job)
        os.close(job.user_namespace)
        worker.leave_platform()
        received = messages.receive(orders)
        if received is None:
            os._exit(0)
        order, descriptors = received
        names = order.get("extensions")
        reaper.leave(tell_of_all=bool(names))
        # The slot's disk belongs to the uid that the Linux driver's user namespace maps; a container has the plain one.
        os.chown(self.root / "tmp", rootfs.UID, rootfs.UID)
        tmpfs = mounts.new_tmpfs(BUNDLE_BYTES, mode=0o700)
        mounts.attach(tmpfs, str(self.bundle))
        os.close(tmpfs)
        if names:
            self._begin_container()
            extensions.launch(names, order["environment"], descriptors[0], orders, self._start_extension)
        orders.close()
        argv = order.get("argv")
        if argv is None:
            argv = [self._entrypoint(order["entrypoints"])]
        else:
            # Standard streams are the only descriptors that runsc hands in.
            os.dup2(CHANNEL, 0)
        if names:
            self._run_beside(argv, order["environment"])
        command = self._run_command(argv, order["environment"])
        os.execve(command[0], command, {})

    def _entrypoint(self, candidates: Sequence[str]) -> str:
        """A custom runtime's program; without one the platform is told and the process ends."""
        found = self._within(lambda: next((path for path in candidates if os.access(path, os.X_OK)), None))
        if found is None:
            worker.refuse_entrypoint(f"Couldn't find valid bootstrap(s): [{' '.join(candidates)}]")
        return found

    def _run_command(self, argv: Sequence[str], environment: dict[str, str]) -> list[str]:
        """A container with this process, which ends with it."""
        configuration = gvisor_container.configuration(argv, environment, self.root)
        (self.bundle / "config.json").write_text(json.dumps(configuration))
        return self.runsc.command(bundle=self.bundle, state=self.state, name=CONTAINER)

    def _exec_command(self, file: str, argv: Sequence[str], environment: dict[str, str], directory: str) -> list[str]:
        """Another process in the running container, described by this file of the bundle."""
        process = self.bundle / file
        process.write_text(json.dumps(gvisor_container.process(argv, environment, directory)))
        return self.runsc.exec_command(
            process=process, pid=process.with_suffix(".pid"), state=self.state, name=CONTAINER
        )

    def _run_beside(self, argv: Sequence[str], environment: dict[str, str]) -> NoReturn:
        """The runtime in a container of extensions. This process passes SIGTERM on to it, and ends as it does."""
        command = self._exec_command("runtime.json", argv, environment, TASK_ROOT)
        pid = os.fork()
        if pid == 0:
            os.execve(command[0], command, {})
        pid_file = self.bundle / "runtime.pid"
        signal.signal(signal.SIGTERM, lambda *_: self.runsc.terminate(pid=pid_file, state=self.state, name=CONTAINER))
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else SIGNAL_CODES - code)

    def _begin_container(self) -> None:
        """A container that outlives every process in it: extensions begin before the runtime and end after it."""
        command = self._run_command(gvisor_container.PAUSE, {})
        pid = os.fork()
        if pid == 0:
            os.execve(command[0], command, {})
        while not self.runsc.is_running(state=self.state, name=CONTAINER):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                # It has said why, on the function's own output.
                os._exit(1)
            time.sleep(POLL_S)

    def _start_extension(self, name: str, environment: dict[str, str], output: int) -> tuple[int, int]:
        path = os.path.join(extensions.DIRECTORY, name)
        error = self._within(lambda: _refusal(path))
        if error:
            return 0, error
        return extensions.spawn(self._exec_command(f"extension-{name}.json", [path], environment, "/"), {}, output)

    def _within(self, look: Callable[[], T]) -> T:
        """Look at the function's files. A link in there must lead where it leads for the function, not to the host."""
        host = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.chroot(self.root)
        try:
            return look()
        finally:
            os.fchdir(host)
            os.chroot(".")
            os.close(host)


def _refusal(path: str) -> int:
    """Why the kernel would not execute a file (errno), 0 if it would: runsc says it in words only."""
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
    except OSError as error:
        return error.errno or errno.EACCES
    if not os.access(path, os.X_OK):
        return errno.EACCES
    return 0 if magic.startswith((b"#!", b"\x7fELF")) else errno.ENOEXEC


def main(arguments: Sequence[str]) -> None:
    descriptor, directory, runtime_dir, runsc, platform, program, *shared = arguments
    credentials.set_parent_death_signal(signal.SIGKILL)
    # Children are reaped by the kernel; the host watches them through their pidfds.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    launcher = Launcher(directory=Path(directory), runsc=Runsc(program=Path(runsc), platform=platform))
    namespaces.unshare(namespaces.CLONE_NEWNS)
    own = {kind: namespaces.current(kind) for kind in (namespaces.CLONE_NEWPID, namespaces.CLONE_NEWNS)}
    rootfs.populate(str(launcher.root), runtime_dir, program, shared)
    host = socket.socket(fileno=int(descriptor))
    # What is alive now is every child's; the collector must not touch it, or each child copies its pages.
    gc.collect()
    gc.freeze()
    messages.send(host, {"ready": True})
    job = zygote.serve(host, own, b"")
    if job is not None:
        init.run(job, launcher.work)


if __name__ == "__main__":
    main(sys.argv[1:])
