"""Executes a command where no cgroup is mounted: `python without_cgroups.py COMMAND…`, started as root."""

import os
import sys

from stoker.linux import mounts, namespaces


def main(command: list[str]) -> None:
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mounts.make_private()
    mounts.detach("/sys/fs/cgroup")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
