"""External extensions: processes beside the function's, started by its worker with no more rights than it has itself.

Each is a grandchild of the worker's, so that process 1 of the sandbox adopts it and tells of its end. It gets the
function's environment without what is the runtime's own, a pipe of its own for its output, and no other descriptor.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import NoReturn

from stoker.bootstrap import messages
from stoker.bootstrap.frames import HEADER, START

DIRECTORY = "/opt/extensions"
CHANNEL = 3
# "Lambda Extensions API", Environment variables: what extensions do not get.
WITHHELD = (
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
)


def execute(name: str, environment: dict[str, str], output: int) -> tuple[int, int]:
    """Start one where this process stands. See `spawn`."""
    return spawn([os.path.join(DIRECTORY, name)], environment, output)


def launch(
    names: list[str],
    environment: dict[str, str],
    output: int,
    orders: socket.socket,
    start: Callable[[str, dict[str, str], int], tuple[int, int]] = execute,
) -> None:
    """Start all of them, and return when the platform says that the runtime may begin.

    The host is told {"extensions": {name: pid}, "refused": {name: errno}}.
    """
    own = {name: value for name, value in environment.items() if name not in WITHHELD}
    pids: dict[str, int] = {}
    refused: dict[str, int] = {}
    for name in names:
        pid, error = start(name, own, output)
        pids[name] = pid
        if error:
            refused[name] = error
    os.close(output)
    messages.send(orders, {"extensions": pids, "refused": refused})
    _wait_for_start()


def spawn(argv: list[str], environment: dict[str, str], output: int) -> tuple[int, int]:
    """The pid of a grandchild that executes a command, and the number of the error that it could not do so for."""
    # Close-on-exec: its end says that the program runs.
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            _execute(argv, environment, output, tell)
        os.write(tell, b"%d " % grandchild)
        os._exit(0)
    os.close(tell)
    said = b""
    while data := os.read(told, 64):
        said += data
    os.close(told)
    os.waitpid(child, 0)
    # The program and its parent write in any order; an error is marked.
    numbers = said.split()
    pid = next((int(word) for word in numbers if not word.startswith(b"e")), 0)
    error = next((int(word[1:]) for word in numbers if word.startswith(b"e")), 0)
    return pid, error


def _execute(argv: list[str], environment: dict[str, str], output: int, tell: int) -> NoReturn:
    try:
        os.setsid()
        os.chdir("/")
        os.dup2(output, 1)
        os.dup2(output, 2)
        # Python ignores it, and what is ignored stays so across an exec.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execve(argv[0], argv, environment)
    except OSError as error:
        os.write(tell, b"e%d " % (error.errno or 0))
    finally:
        os._exit(1)


def _wait_for_start() -> None:
    """The platform starts the runtime when all extensions have registered."""
    wanted = HEADER.pack(0, 0, START)
    got = b""
    while len(got) < len(wanted):
        data = os.read(CHANNEL, len(wanted) - len(got))
        if not data:
            os._exit(0)
        got += data
