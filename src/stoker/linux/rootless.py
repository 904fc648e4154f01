"""Becoming root where one is not: in a user namespace of one's own, with as many ids as the machine hands out.

Root there may mount, make namespaces and limit its children, and outside it is still the user who started it: its files
are that user's, and what only the machine's root may do (networks that lead out, loop devices, cgroups that were not
handed over) is refused as before.
"""

import errno
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stoker.linux import namespaces, syscalls
from stoker.linux.namespaces import UserNamespaceError

_CAP_SYS_ADMIN = 21
_TOOL_TIMEOUT_S = 10
_ETC = Path("/etc")
_SYSCTL = Path("/proc/sys")
# Settings of distributions that keep ordinary users from user namespaces, with the value that does.
_FORBIDDING = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
    ("kernel/unprivileged_userns_clone", "0"),
    ("user/max_user_namespaces", "0"),
)


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """Users or groups: where a user's spare ids are written down, the tool that may map them, and the map."""

    grants: str
    tool: str
    map: str


_USERS = _Kind(grants="subuid", tool="newuidmap", map="uid_map")
_GROUPS = _Kind(grants="subgid", tool="newgidmap", map="gid_map")


def is_needed() -> bool:
    """Whether this process lacks what root has: the capability that mounts and namespaces take."""
    return not syscalls.capget()[0] >> _CAP_SYS_ADMIN & 1


def enter() -> None:
    """Go on as root of a new user namespace and a new mount namespace. The process must have one thread.

    The caller's own ids become 0. Behind them come those that /etc/subuid and /etc/subgid grant, where newuidmap and
    newgidmap are installed and work; else there is no other id. Raises UserNamespaceError with what to do.
    """
    uid, gid = os.geteuid(), os.getegid()
    with _Outside() as outside:
        try:
            # One call: the mount namespace must belong to the new user namespace, or nothing could be mounted in it.
            namespaces.unshare(namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS)
            if not outside.map(_USERS, uid):
                _map_own(_USERS, uid)
            if not outside.map(_GROUPS, gid):
                # The kernel wants it first: a group may be what denies its members a file, and must not be dropped.
                _write("setgroups", "deny")
                _map_own(_GROUPS, gid)
        except OSError as error:
            raise UserNamespaceError(error.errno, f"{error}{_forbidden_by()}") from error


def granted(text: str, user: str, uid: int) -> tuple[int, int] | None:
    """The first and the number of the ids that a text like /etc/subuid grants a user (subuid(5)); None without any."""
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) == 3 and fields[0] in (user, str(uid)):
            return int(fields[1]), int(fields[2])
    return None


class _Outside:
    """A child that stays outside the user namespace: only from there may newuidmap and newgidmap be started."""

    def __enter__(self) -> "_Outside":
        self._parent = os.getpid()
        asked, self._ask = os.pipe()
        self._answer, answer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ask)
            os.close(self._answer)
            self._serve(asked, answer)
        os.close(asked)
        os.close(answer)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ask)
        os.close(self._answer)
        os.waitpid(self._pid, 0)

    def map(self, kind: _Kind, own: int) -> bool:
        """Map `own` to 0 and the granted ids behind it; whether that was possible."""
        os.write(self._ask, f"{kind.tool} {own}\n".encode())
        return os.read(self._answer, 1) == b"1"

    def _serve(self, asked: int, answer: int) -> None:
        status = 1
        try:
            with os.fdopen(asked) as questions:
                for line in questions:
                    tool, own = line.split()
                    kind = _USERS if tool == _USERS.tool else _GROUPS
                    os.write(answer, b"1" if _map_granted(kind, self._parent, int(own)) else b"0")
            status = 0
        finally:
            # Whatever went wrong, this copy of the caller ends here; the caller reads an empty answer as a no.
            os._exit(status)


def _map_granted(kind: _Kind, pid: int, own: int) -> bool:
    program, grants = shutil.which(kind.tool), _ETC / kind.grants
    grant = granted(grants.read_text(), _user_name(), os.getuid()) if grants.exists() else None
    if program is None or grant is None:
        return False
    lines = ["0", str(own), "1", "1", *map(str, grant)]
    # newuidmap, newgidmap: set-user-id programs, since the kernel lets a user map no id but its own.
    # What it has against it, it says on stderr: an id of its own for each sandbox is then what is lacking.
    done = subprocess.run([program, str(pid), *lines], stdin=subprocess.DEVNULL, timeout=_TOOL_TIMEOUT_S, check=False)
    return done.returncode == 0


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without an account; subuid(5) takes that too
        return str(os.getuid())


def _map_own(kind: _Kind, own: int) -> None:
    _write(kind.map, f"0 {own} 1\n")


def _write(name: str, text: str) -> None:
    try:
        Path("/proc/self", name).write_text(text)
    except OSError as error:
        raise UserNamespaceError(
            error.errno, f"/proc/self/{name}: {os.strerror(error.errno or errno.EPERM)}"
        ) from error


def _forbidden_by() -> str:
    for name, value in _FORBIDDING:
        setting = _SYSCTL / name
        if setting.exists() and setting.read_text().strip() == value:
            return f" ({name.replace('/', '.')} is {value})"
    return ""
