"""Executes a command as a user without rights: `python ordinary_user.py UID COMMAND…`, started as root.

What root keeps from others on a test machine (an interpreter under /root) is opened for this command alone, in a mount
namespace of its own.
"""

import os
import sys
from pathlib import Path

from stoker.linux import mounts, namespaces

REPOSITORY = Path(__file__).parents[2]


def open_up(paths: list[Path]) -> None:
    """Put something that anybody may pass in the place of closed directories, with only these paths in it."""
    closed = {path: shut for path in paths if (shut := first_closed(path)) is not None}
    trees = {path: mounts.clone_tree(str(path)) for path in closed}
    for directory in set(closed.values()):
        tmpfs = mounts.new_tmpfs(1 << 20)
        mounts.attach(tmpfs, str(directory))
        os.close(tmpfs)
    for path, tree in trees.items():
        path.mkdir(parents=True)
        mounts.attach(tree, str(path))
        os.close(tree)


def first_closed(path: Path) -> Path | None:
    return next((each for each in (*reversed(path.parents), path) if not each.stat().st_mode & 0o001), None)


def main(uid: int, command: list[str]) -> None:
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mounts.make_private()
    open_up(sorted({Path(sys.base_prefix), Path(sys.prefix), REPOSITORY / "src"}))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
