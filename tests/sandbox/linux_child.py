"""Runs a function in a forked child, so that what it gives up or enters is given up by nobody else."""

import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 60


class ChildError(AssertionError):
    """The child raised or ended early; carries its traceback or wait status."""


def in_child(function: Callable[[], Any]) -> Any:
    """What the function returned in the child (picklable); raises ChildError with the child's traceback."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _work(function, write)
    os.close(write)
    try:
        answer = _read_all(read)
    finally:
        os.close(read)
        os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if not answer:
        raise ChildError(f"the child ended with {status} and said nothing")
    succeeded, value = pickle.loads(answer)
    if not succeeded:
        raise ChildError(value)
    return value


def _work(function: Callable[[], Any], write: int) -> None:
    try:
        answer = (True, function())
    except BaseException:  # the process's boundary: the parent raises it
        answer = (False, traceback.format_exc())
    os.write(write, pickle.dumps(answer))
    os._exit(0)


def _read_all(fd: int) -> bytes:
    data = b""
    while select.select([fd], [], [], TIMEOUT_S)[0]:
        chunk = os.read(fd, 1 << 16)
        if not chunk:
            break
        data += chunk
    return data


def error_number(function: Callable[[], Any]) -> int:
    """The errno with which it failed; 0 if it didn't."""
    try:
        function()
    except OSError as error:
        return error.errno or -1
    return 0
