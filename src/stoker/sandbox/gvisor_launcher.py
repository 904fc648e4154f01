"""The fork server of gVisor's sandboxes: what a zygote is to the Linux driver's, but its forks become `runsc`.

`python -m stoker.sandbox.gvisor_launcher DESCRIPTOR DIRECTORY RUNTIME_DIR RUNSC PLATFORM PROGRAM [SHARED_DIRECTORY…]`.

It builds the root at DIRECTORY/root, in a mount namespace of its own. A fork is process 1 of a sandbox as in
`bootstrap.init`: it hangs the function's mounts into a copy of that root, and its worker becomes `runsc run`. The
container's description and runsc's state lie on a tmpfs in that copy, and every process of gVisor is a descendant of
process 1 in its pid namespace: when that ends, whatever ends it, nothing is left.
"""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.bootstrap import init, messages, rootfs, worker, zygote
from stoker.bootstrap.job import Job
from stoker.bootstrap.python_function import CHANNEL
from stoker.linux import credentials, mounts, namespaces
from stoker.sandbox import gvisor_container
from stoker.sandbox.gvisor_runsc import Runsc

BUNDLE_BYTES = 16 << 20


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

    def work(self, job: Job, go: socket.socket) -> None:
        """The worker of a blank: wait for the order (`gvisor_container.order`), then become runsc."""
        job.control.close()
        go = worker.keep_only(job, go)
        os.close(job.user_namespace)
        worker.leave_platform()
        received = messages.receive(go)
        if received is None:
            os._exit(0)
        go.close()
        order = received[0]
        argv = order.get("argv")
        if argv is None:
            argv = [self._entrypoint(order["entrypoints"])]
        else:
            # Standard streams are the only descriptors that runsc hands in.
            os.dup2(CHANNEL, 0)
        self._become(argv, order["environment"])

    def _entrypoint(self, candidates: Sequence[str]) -> str:
        """A custom runtime's program; without one the platform is told and the process ends."""
        host = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # chroot: a link in the function's files must lead where it leads for the function, not to a file of the host's.
        os.chroot(self.root)
        found = next((path for path in candidates if os.access(path, os.X_OK)), None)
        os.fchdir(host)
        os.chroot(".")
        os.close(host)
        if found is None:
            worker.refuse_entrypoint(f"Couldn't find valid bootstrap(s): [{' '.join(candidates)}]")
        return found

    def _become(self, argv: Sequence[str], environment: dict[str, str]) -> None:
        # The slot's disk belongs to the uid that the Linux driver's user namespace maps; a container has the plain one.
        os.chown(self.root / "tmp", rootfs.UID, rootfs.UID)
        tmpfs = mounts.new_tmpfs(BUNDLE_BYTES, mode=0o700)
        mounts.attach(tmpfs, str(self.bundle))
        os.close(tmpfs)
        configuration = gvisor_container.configuration(argv, environment, self.root)
        (self.bundle / "config.json").write_text(json.dumps(configuration))
        command = self.runsc.command(bundle=self.bundle, state=self.bundle / "state", name="function")
        os.execve(command[0], command, {})


def main(arguments: Sequence[str]) -> None:
    descriptor, directory, runtime_dir, runsc, platform, program, *shared = arguments
    credentials.set_parent_death_signal(signal.SIGKILL)
    # Children are reaped by the kernel; the host watches them through their pidfds.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    launcher = Launcher(directory=Path(directory), runsc=Runsc(program=Path(runsc), platform=platform))
    pid_namespace = namespaces.current(namespaces.CLONE_NEWPID)
    namespaces.unshare(namespaces.CLONE_NEWNS)
    rootfs.populate(str(launcher.root), runtime_dir, program, shared)
    host = socket.socket(fileno=int(descriptor))
    # What is alive now is every child's; the collector must not touch it, or each child copies its pages.
    gc.collect()
    gc.freeze()
    messages.send(host, {"ready": True})
    job = zygote.serve(host, pid_namespace, b"")
    if job is not None:
        init.run(job, launcher.work)


if __name__ == "__main__":
    main(sys.argv[1:])
