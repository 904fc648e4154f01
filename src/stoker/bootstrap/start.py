"""How a zygote is started: `python -I -S start.py DESCRIPTOR ROOT RUNTIME_DIR [SHARED_DIRECTORY…]`.

Builds the sandboxes' root and moves into it before anything else is imported, so that every module a function will ever
see was loaded from the place where the function sees it too.
"""

from __future__ import annotations

import os
import sys

PLATFORM = "/var/runtime/platform"


def main(descriptor: int, root: str, runtime_dir: str, shared: list[str]) -> None:
    sys.path.insert(0, os.path.join(runtime_dir, "platform"))
    from stoker.bootstrap import rootfs
    from stoker.linux import namespaces

    # Opened while the host's /proc is in view; the new root has none until a child mounts its own.
    pid_namespace = namespaces.current(namespaces.CLONE_NEWPID)
    namespaces.unshare(namespaces.CLONE_NEWNS)
    rootfs.build(root, runtime_dir, shared)
    for name in [name for name in sys.modules if name.partition(".")[0] == "stoker"]:
        del sys.modules[name]
    sys.path[0:1] = ["/var/runtime", PLATFORM]
    from stoker.bootstrap import zygote

    sys.path.remove(PLATFORM)
    zygote.main(descriptor, pid_namespace)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
