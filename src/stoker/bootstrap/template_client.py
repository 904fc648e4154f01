"""A function's process that is to become a template: it runs the init, then its memory is taken, and nothing else.

What can be taken elsewhere is what a fork keeps: one thread, memory, and descriptors that can be opened again. So the
memory is a fork's: libraries that put their threads aside for one (OpenBLAS does) may have them, and what registered
itself to be called in a child is called in every process that comes of the template.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import signal
import socket
import stat
import struct
import sys

from stoker.bootstrap import memory_image
from stoker.bootstrap.frames import INIT_ERROR, NEXT, encode
from stoker.bootstrap.memory_image import ImageRefusedError
from stoker.bootstrap.python_client import ChannelClient
from stoker.bootstrap.template_words import AFTER_RESTORE_ERROR, REFUSED
from stoker.linux import syscalls

CHANNEL = 3
MAX_TMP_BYTES = 1 << 20
_SIGSET_BYTES = 8
_ACTION_BYTES = 32


def apart() -> None:
    """Go on in a child, whose status this process takes over when it ends.

    The processes that come of a template have this process's pid, and libraries know a fork by its pid.
    """
    pid = os.fork()
    if pid == 0:
        return
    for number in (0, 1, 2, CHANNEL):
        os.close(number)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


class TemplateClient(ChannelClient):
    """The runtime client of a template, and of every process that comes of it."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(channel)
        self._taken = False
        # What the kernel keeps of a process and a fork inherits; only what the init changed has to be carried over.
        self._actions = _signal_actions()
        # Later it would be looked for where the function's own modules are.
        self._tid_address = memory_image.thread_id_address()

    def wait_next_invocation(self):  # type: ignore[no-untyped-def]
        if not self._taken:
            hooks = sys.modules.get("snapshot_restore_py")
            if hooks is not None:
                while hooks.get_before_snapshot():
                    function, arguments, keywords = hooks.get_before_snapshot().pop()
                    function(*arguments, **keywords)
            self.restore_next()
            if hooks is not None:
                for function, arguments, keywords in hooks.get_after_restore():
                    function(*arguments, **keywords)
        return super().wait_next_invocation()

    def restore_next(self) -> None:
        """Hand the memory over; returns in every process that comes of it."""
        self._taken = True
        try:
            rehearsal = self._hand_over()
        except ImageRefusedError as error:
            self._channel.sendall(encode(INIT_ERROR, {"type": REFUSED}, str(error).encode()))
            os._exit(0)
        if rehearsal:
            self._rehearse()

    def report_restore_error(self, error: dict[str, object]) -> None:
        self.post_init_error(error, AFTER_RESTORE_ERROR)

    def _hand_over(self) -> bool:
        """In a process that comes of it: whether that is a rehearsal."""
        sys.stdout.flush()
        sys.stderr.flush()
        _refuse_children()
        kept = _Kept(self._actions)
        files = _mapped_files()
        gc.collect()
        # Looked through in every process that comes of it, all memory would be copied there.
        gc.freeze()
        go, wait = os.pipe()
        python, fork = ctypes.pythonapi, ctypes.PyDLL(None).fork
        python.PyOS_BeforeFork()
        pid = fork()
        if pid != 0:
            python.PyOS_AfterFork_Parent()
            threads = len(os.listdir("/proc/self/task"))
            if threads > 1:
                os.kill(pid, signal.SIGKILL)
                raise ImageRefusedError("%d threads run at the end of the init" % threads)
            os.close(go)
            os.write(wait, b"1")
            os.waitpid(pid, 0)
            os._exit(1)
        os.read(go, 1)
        os.close(go)
        os.close(wait)
        try:
            order = memory_image.leave({"files": files}, CHANNEL, encode(NEXT), self._tid_address)
        except ImageRefusedError as error:
            self._channel.sendall(encode(INIT_ERROR, {"type": REFUSED}, str(error).encode()))
            os._exit(0)
        kept.restore()
        python.PyOS_AfterFork_Child()
        os.environ.clear()
        os.environ.update(order["environment"])
        _reseed()
        return bool(order["rehearsal"])

    def _rehearse(self) -> None:
        """One invocation, of nothing of the function's, to show which memory the platform's part writes to."""
        request = super().wait_next_invocation()
        bootstrap = sys.modules["awslambdaric.bootstrap"]
        bootstrap.handle_event_request(
            self,
            lambda event, context: event,
            request.invoke_id,
            request.event_body,
            request.content_type,
            request.client_context,
            request.cognito_identity,
            request.invoked_function_arn,
            request.deadline_time_in_ms,
            request.tenant_id,
            None,
        )
        super().wait_next_invocation()
        os._exit(0)


class _Kept:
    """What the kernel, and not memory, knows of the process: taken at the end of the init, put back in another."""

    def __init__(self, actions_before: dict[int, bytes]) -> None:
        self._descriptors = [_Descriptor.of(number) for number in _extra_descriptors()]
        self._actions = {
            number: action for number, action in _signal_actions().items() if action != actions_before.get(number)
        }
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        self._directory = os.getcwd()
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._tmp = _read_tmp()

    def restore(self) -> None:
        for path, mode, content in self._tmp:
            _write_tmp(path, mode, content)
        for descriptor in self._descriptors:
            descriptor.reopen()
        for number, action in self._actions.items():
            syscalls.call("rt_sigaction", number, action, None, _SIGSET_BYTES)
        os.umask(self._umask)
        os.chdir(self._directory)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)


class _Descriptor:
    """An open file of which each process gets one of its own, at the same position; or a socket, unconnected there."""

    def __init__(self, number: int, how: tuple) -> None:  # type: ignore[type-arg]
        self.number = number
        self._how = how

    @classmethod
    def of(cls, number: int) -> _Descriptor:
        """How to open it again; refuses what cannot be."""
        found = os.fstat(number)
        inherited = not fcntl.fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        if stat.S_ISSOCK(found.st_mode):
            with socket.socket(fileno=os.dup(number)) as sock:
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    raise ImageRefusedError("a socket listens at the end of the init")
                if sock.family == socket.AF_UNIX:
                    raise ImageRefusedError("a socket of the function's own is open at the end of the init")
                return cls(number, (inherited, sock.family, sock.type))
        path = os.readlink("/proc/self/fd/%d" % number)
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
        try:
            same = os.stat(path)
        except OSError:
            same = None
        if same is None or (same.st_dev, same.st_ino) != (found.st_dev, found.st_ino):
            raise ImageRefusedError("%s is open at the end of the init" % path)
        position = os.lseek(number, 0, os.SEEK_CUR) if stat.S_ISREG(found.st_mode) else 0
        return cls(number, (inherited, path, flags & ~(os.O_CREAT | os.O_TRUNC | os.O_EXCL), position))

    def reopen(self) -> None:
        inherited = self._how[0]
        if len(self._how) == 3:
            made = socket.socket(self._how[1], self._how[2]).detach()
        else:
            made = os.open(self._how[1], self._how[2])
            if self._how[3]:
                os.lseek(made, self._how[3], os.SEEK_SET)
        if made != self.number:
            os.dup2(made, self.number)
            os.close(made)
        os.set_inheritable(self.number, inherited)


def _extra_descriptors() -> list[int]:
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    # The directory that was listed is closed by now.
    return [number for number in numbers if number > CHANNEL and _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _refuse_children() -> None:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    raise ImageRefusedError("a child process is left at the end of the init")


def _mapped_files() -> dict[str, str]:
    """Paths of mapped files by "device:inode", as the maps name them."""
    files = {}
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split(None, 5)
            if len(fields) == 6 and fields[5].startswith("/"):
                files["%s:%s" % (fields[3], fields[4])] = fields[5].rstrip("\n")
    return files


def _signal_actions() -> dict[int, bytes]:
    """The kernel's own records: Python knows of no handler that a library installed."""
    actions = {}
    for number in range(1, 65):
        record = ctypes.create_string_buffer(_ACTION_BYTES)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            # rt_sigaction, without a new action, tells the present one.
            syscalls.call("rt_sigaction", number, None, record, _SIGSET_BYTES)
            actions[number] = record.raw
    return actions


def _read_tmp() -> list[tuple[str, int, bytes | None]]:
    """What the init left in /tmp: path, mode, and a file's content."""
    found: list[tuple[str, int, bytes | None]] = []
    size = 0
    for directory, names, files in os.walk("/tmp"):
        names[:] = [name for name in names if name != "lost+found"]
        found += [(path, 0o777, None) for path in (os.path.join(directory, name) for name in names)]
        for path in (os.path.join(directory, name) for name in files):
            seen = os.lstat(path)
            size += seen.st_size + 4096
            if size > MAX_TMP_BYTES or not stat.S_ISREG(seen.st_mode):
                raise ImageRefusedError("the init left more in /tmp than plain files of 1 MB together")
            with open(path, "rb") as file:
                found.append((path, stat.S_IMODE(seen.st_mode), file.read()))
    return found


def _write_tmp(path: str, mode: int, content: bytes | None) -> None:
    if content is None:
        os.makedirs(path, exist_ok=True)
        return
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def _reseed() -> None:
    """What does not notice a fork by itself: `random` does, and so does what asks for the pid, as OpenSSL."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(struct.unpack("<4I", os.urandom(16)))
