"""What a start writes to, learned from one that nobody waits for, so that blanks have those pages for themselves ahead.

A fork shares its parent's memory, and the first write to each page copies it: 400 pages for hello, which was 60 % of
the CPU time that a worker's start took (measured). Which pages these are differs little from function to function, and
not at all from fork to fork. Copying them while a blank waits takes no more memory than its function would. Nothing of
a rehearsal is in any other process but what memory to copy.
"""

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path

from stoker.bootstrap.frames import ERROR, EVENT, HEADER, INIT_ERROR, NEXT, RESPONSE, encode
from stoker.linux import process_memory
from stoker.linux.process_memory import PAGE_BYTES, ProcessMemory
from stoker.model.runtime import Runtime
from stoker.sandbox.driver import SandboxError
from stoker.sandbox.platform_files import PLATFORM
from stoker.sandbox.spec import SandboxSpec

FOLDER = f"{PLATFORM}/stoker/bootstrap/rehearsal"
HANDLER = "lambda_function.handler"
LIMIT_S = 10.0
MAX_ANSWER_BYTES = 64 << 10
MAX_SHOWN_BYTES = 200
REQUEST = {
    "id": "00000000-0000-0000-0000-000000000000",
    "deadline_ms": 4102444800000,
    "arn": "arn:aws:lambda:us-east-1:000000000000:function:rehearsal",
    "trace_id": "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
}

# Pieces of memory, as address and size.
Copies = list[tuple[int, int]]


def spec_of(runtime: Runtime, runtime_dir: Path) -> SandboxSpec:
    """A sandbox for the function of a rehearsal, with variables as many and as long as a function's are."""
    names = ("HANDLER", "REGION", "LOG_GROUP_NAME", "LOG_STREAM_NAME", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "VERSION")
    variables = {f"STOKER_REHEARSAL_{number}_{name}": "x" * 40 for number in range(3) for name in names}
    return SandboxSpec(
        runtime=runtime,
        handler=HANDLER,
        task_root=runtime_dir / FOLDER,
        layers_root=None,
        environment={"PYTHONPATH": "/var/runtime", "TZ": ":UTC", **variables, "AWS_SESSION_TOKEN": "x" * 400},
        memory_mb=128,
        ephemeral_mb=512,
        cpus=1.0,
    )


class Rehearsal:
    """One start and one invocation of a sandbox whose process 1 is `init_pid`; it waits for its order as yet."""

    def __init__(self, init_pid: int, channel: socket.socket) -> None:
        self._channel = channel
        self._worker_pid = next(process_memory.descendants(init_pid))

    async def run(self) -> Copies:
        """Once it has its order: what its worker has written to when it has answered. Raises SandboxError."""
        await invoke(self._channel)
        return runs_of(await asyncio.to_thread(_exclusive_pages, self._worker_pid))


async def invoke(channel: socket.socket) -> None:
    """One made-up invocation, from the process's wish for work to its answer. Raises SandboxError."""
    try:
        async with asyncio.timeout(LIMIT_S):
            await _until(channel, NEXT)
            event = encode(EVENT, REQUEST, b'{"key1": "value1", "key2": ["value2"]}')
            await asyncio.get_running_loop().sock_sendall(channel, event)
            await _until(channel, RESPONSE)
    except (OSError, TimeoutError) as error:
        raise SandboxError(f"a rehearsal failed: {error or 'it took too long'}") from error


async def _until(channel: socket.socket, wanted: int) -> None:
    while True:
        meta, body, kind = HEADER.unpack(await _read(channel, HEADER.size))
        # It may be a function's process that speaks here.
        if meta + body > MAX_ANSWER_BYTES:
            raise SandboxError("a rehearsal failed: it said too much")
        content = await _read(channel, meta + body)
        if kind == wanted:
            return
        if kind in (ERROR, INIT_ERROR):
            raise SandboxError(f"a rehearsal failed: {content[:MAX_SHOWN_BYTES]!r}")


async def _read(channel: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(channel, size - len(data))
        if not more:
            raise SandboxError("a rehearsal ended before it was over")
        data += more
    return data


def _exclusive_pages(pid: int) -> set[int]:
    with ProcessMemory(pid) as memory:
        # The stack is left out: its place differs from process to process, if only a little.
        written = [each for each in process_memory.mappings(pid) if each.access == "rw-p" and each.name != "[stack]"]
        return {page for each in written for page in memory.pages_at_hand(each)[0]}


def runs_of(pages: Iterable[int]) -> Copies:
    """Pages, by their addresses, as pieces of memory."""
    runs: list[tuple[int, int]] = []
    for page in sorted(pages):
        if runs and sum(runs[-1]) == page:
            runs[-1] = runs[-1][0], runs[-1][1] + PAGE_BYTES
        else:
            runs.append((page, PAGE_BYTES))
    return runs
