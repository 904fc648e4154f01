"""How a zygote is started: `python -I -S start.py DESCRIPTOR ROOT RUNTIME_DIR PROGRAM [SHARED_DIRECTORY…]`.

Builds the sandboxes' root and moves into it before anything else is imported, so that every module a function will ever
see was loaded from the place where the function sees it too.
"""

from __future__ import annotations

import os
import signal
import sys

PLATFORM = "/var/runtime/platform"


def main(descriptor: int, root: str, runtime_dir: str, program: str, shared: list[str]) -> None:
    sys.path.insert(0, os.path.join(runtime_dir, "platform"))
    from stoker.bootstrap import rootfs
    from stoker.linux import namespaces

    # Opened while the host's /proc is in view; the new root has none until a child mounts its own.
    if not namespaces.is_own(namespaces.CLONE_NEWPID):
        _go_on_in_own_pid_namespace(descriptor)
    namespaces.unshare(namespaces.CLONE_NEWNS)
    own = {kind: namespaces.current(kind) for kind in (namespaces.CLONE_NEWPID, namespaces.CLONE_NEWNS)}
    rootfs.build(root, runtime_dir, program, shared)
    for name in [name for name in sys.modules if name.partition(".")[0] == "stoker"]:
        del sys.modules[name]
    sys.path[0:1] = ["/var/runtime", PLATFORM]
    from stoker.bootstrap import zygote

    sys.path.remove(PLATFORM)
    zygote.main(descriptor, own)


def _go_on_in_own_pid_namespace(descriptor: int) -> None:
    """Return in a child that is process 1 of a new pid namespace.

    For each sandbox the zygote leaves its pid namespace and comes back, which takes rights over it. An ordinary user
    has none over the machine's. This process waits, so that whoever started it has something to wait for and to kill.
    """
    from stoker.linux import credentials, namespaces

    credentials.set_parent_death_signal(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    namespaces.unshare(namespaces.CLONE_NEWPID)
    pid = os.fork()
    if pid != 0:
        # The other end must see the zygote's end at once.
        os.close(descriptor)
        os.waitpid(pid, 0)
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
