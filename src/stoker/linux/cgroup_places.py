"""Which cgroup version this machine has, and where this process's own groups are: decided from two texts of /proc."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

V1_CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "freezer")
V2_CONTROLLERS = ("memory", "cpu", "pids")
# proc_pid_mountinfo(5): white space and backslashes in paths are octal.
_ESCAPED = re.compile(r"\\([0-7]{3})")


class CgroupsUnavailableError(Exception):
    """Processes cannot be limited here; says what is missing and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """This process's own group: a directory for each controller of version 1, one under `cgroup2` for version 2."""

    version: int
    directories: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class _Mount:
    root: str
    target: Path
    kind: str
    options: frozenset[str]


def find(mountinfo: str, membership: str) -> Place:
    """Where to make groups, from the texts of /proc/self/mountinfo and /proc/self/cgroup (cgroups(7)).

    Version 2 is taken if it has the controllers; many machines mount it without, beside version 1.
    """
    mounts = [mount for mount in map(_mount, mountinfo.splitlines()) if mount.kind in ("cgroup", "cgroup2")]
    groups = _memberships(membership)
    unified = _directory(mounts, groups, "")
    if unified is not None and set(V2_CONTROLLERS) <= _controllers(unified):
        return Place(version=2, directories={"cgroup2": unified})
    found = {name: _directory(mounts, groups, name) for name in V1_CONTROLLERS}
    directories = {name: directory for name, directory in found.items() if directory is not None}
    missing = [name for name in V1_CONTROLLERS if name not in directories]
    if not missing:
        return Place(version=1, directories=directories)
    raise CgroupsUnavailableError(_explanation(unified, missing))


def memory_lineage(mountinfo: str, membership: str) -> Sequence[Path]:
    """The directories in which limits of this process's memory can stand, its own group's first; see `find`."""
    mounts = [mount for mount in map(_mount, mountinfo.splitlines()) if mount.kind in ("cgroup", "cgroup2")]
    groups = _memberships(membership)
    own = _directory(mounts, groups, "memory") or _directory(mounts, groups, "")
    if own is None:
        return []
    targets = {mount.target for mount in mounts}
    lineage = [own, *own.parents]
    top = next((index for index, directory in enumerate(lineage) if directory in targets), 0)
    return lineage[: top + 1]


def _explanation(unified: Path | None, missing: list[str]) -> str:
    if unified is None:
        return f"no cgroup2 is mounted and the cgroup v1 controllers {', '.join(missing)} are not; mount /sys/fs/cgroup"
    lacking = sorted(set(V2_CONTROLLERS) - _controllers(unified))
    return (
        f"the cgroup {unified} has no {', '.join(lacking)} controller; start under "
        "`systemd-run --scope --property=Delegate=yes`, or enable it in the parents' cgroup.subtree_control"
    )


def _controllers(directory: Path) -> set[str]:
    file = directory / "cgroup.controllers"
    return set(file.read_text().split()) if file.exists() else set()


def _mount(line: str) -> _Mount:
    # 36 35 98:0 /root /target options [optional fields…] - kind source super-options: proc_pid_mountinfo(5)
    before, _, after = line.partition(" - ")
    fields, kind_and_options = before.split(), after.split()
    return _Mount(
        root=fields[3],
        target=Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])),
        kind=kind_and_options[0],
        options=frozenset(kind_and_options[-1].split(",")),
    )


def _memberships(text: str) -> dict[str, str]:
    """The path of this process's group for each controller; version 2's under the empty name."""
    paths = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _directory(mounts: list[_Mount], groups: Mapping[str, str], controller: str) -> Path | None:
    path = groups.get(controller)
    if path is None:
        return None
    for mount in mounts:
        fits = mount.kind == "cgroup2" if controller == "" else mount.kind == "cgroup" and controller in mount.options
        if fits and (path + "/").startswith(mount.root.rstrip("/") + "/"):
            # A container may see only its own part of the tree: what the mount shows begins at its root.
            return mount.target / path[len(mount.root.rstrip("/")) :].lstrip("/")
    return None
