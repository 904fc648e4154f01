"""The root directory that every sandbox of one zygote shares, read-only: built once, inherited by each fork.

The zygote builds it in a mount namespace of its own and pivots into it, so that a child has nothing to hide: what is
not mounted here was never there. A child adds its own /proc, /tmp, /var/task and /opt on top.
"""

from __future__ import annotations

import os

from stoker.linux import mounts

DEVICES = ("null", "zero", "full", "random", "urandom")
# What the C library and TLS need to know of the machine, and nothing that is the operator's.
ETC_FILES = (
    "ld.so.cache",
    "nsswitch.conf",
    "localtime",
    "protocols",
    "services",
    "mime.types",
    "host.conf",
    "gai.conf",
)
ETC_DIRECTORIES = ("ssl/certs", "alternatives", "pki/tls/certs", "ca-certificates")
MOUNT_POINTS = ("proc", "tmp", "var/task", "var/runtime", "opt", "dev", "etc", "usr", "run")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
USER, UID = "sbx_user1051", 993


def build(root: str, runtime_dir: str, program: str, roots: list[str]) -> None:
    """Build the tree at `root`, as `populate` does, and make it the root of this process, read-only."""
    populate(root, runtime_dir, program, roots)
    mounts.pivot(root)
    mounts.set_read_only("/")


def populate(root: str, runtime_dir: str, program: str, roots: list[str]) -> None:
    """Build the tree at `root` (an empty directory).

    `runtime_dir` becomes /var/runtime; each of `roots` appears at its own path. `program`, the runtime's interpreter
    (empty for a custom runtime), is what a function's scripts find first on their PATH, as on AWS. The caller is alone
    in its mount namespace.
    """
    mounts.make_private()
    mounts.attach(mounts.new_tmpfs(16 << 20, mode=0o755, uid=0, gid=0, inodes=4096), root)
    for name in MOUNT_POINTS:
        os.makedirs(os.path.join(root, name))
    if _is_nested():
        # For a forked child to replace with its own before anything of a function's runs: see `init`.
        mounts.bind("/proc", os.path.join(root, "proc"), recursive=True)
    _share(root, "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        _link_or_share(root, name)
    for path in roots:
        _share(root, path)
    if program:
        _link_program(os.path.join(root, "var/lang/bin"), program)
    mounts.attach(mounts.clone_tree(runtime_dir), os.path.join(root, "var/runtime"))
    _make_devices(os.path.join(root, "dev"))
    _write_etc(os.path.join(root, "etc"))


def _share(root: str, path: str) -> None:
    target = root + path
    os.makedirs(target, exist_ok=True)
    # What a user namespace inherited it can only take along whole: a part might show what another mount covers.
    mounts.attach(mounts.clone_tree(path, recursive=_is_nested()), target)


def _is_nested() -> bool:
    """Whether this user namespace is not the machine's, which maps every id to itself."""
    with open("/proc/self/uid_map") as file:
        return file.read().split() != ["0", "0", "4294967295"]


def _link_or_share(root: str, name: str) -> None:
    source = "/" + name
    if os.path.islink(source):
        os.symlink(os.readlink(source), os.path.join(root, name))
    elif os.path.isdir(source):
        _share(root, source)


def _link_program(directory: str, program: str) -> None:
    os.makedirs(directory)
    name = os.path.basename(program)
    for link in {name, "python", "python3"} if name.startswith("python") else {"node"}:
        os.symlink(program, os.path.join(directory, link))


def _make_devices(directory: str) -> None:
    # Bound from the host rather than made: mknod is not allowed in a user namespace, and one way serves both.
    for name in DEVICES:
        target = os.path.join(directory, name)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o666))
        mounts.attach(mounts.clone_tree("/dev/" + name, read_only=False, nodev=False), target)
    for name, destination in LINKS.items():
        os.symlink(destination, os.path.join(directory, name))


def _write_etc(etc: str) -> None:
    _write(etc, "passwd", "root:x:0:0:root:/root:/sbin/nologin\n%s:x:%d:%d::/tmp:/sbin/nologin\n" % (USER, UID, UID))
    _write(etc, "group", "root:x:0:\n%s:x:%d:\n" % (USER, UID))
    _write(etc, "hosts", "127.0.0.1 localhost sandbox.localdomain\n::1 localhost\n")
    _write(etc, "resolv.conf", _resolver_configuration())
    for name in ETC_FILES:
        source = os.path.join("/etc", name)
        if os.path.isfile(source):
            with open(source, "rb") as file:
                _write(etc, name, file.read())
    for name in ETC_DIRECTORIES:
        source = os.path.join("/etc", name)
        if os.path.isdir(source):
            _share(os.path.dirname(etc), source)


def _write(directory: str, name: str, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)


def _resolver_configuration() -> str:
    """The host's name servers, but for those on its loopback, which a sandbox cannot reach.

    Where systemd-resolved listens on 127.0.0.53, its upstream servers are in a file of its own.
    """
    for path in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        try:
            with open(path) as file:
                lines = file.readlines()
        except OSError:
            continue
        usable = [line for line in lines if not line.startswith(("nameserver 127.", "nameserver ::1"))]
        if any(line.startswith("nameserver") for line in usable):
            return "".join(usable)
    return ""
