"""The protocol between environments and the ways to sandbox a process."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from stoker.model.runtime import Runtime
from stoker.sandbox.snapshot import Snapshot
from stoker.sandbox.spec import ProgramStart, SandboxSpec


class SandboxError(Exception):
    """A sandbox could not be built or handled: Stoker's or the machine's fault, never the function's."""


class SnapshotStaleError(SandboxError):
    """The snapshot was let go, or its fork server has gone. Take another, or start without."""


@dataclass(frozen=True, kw_only=True)
class ExitStatus:
    """How a sandbox's main process ended: an exit code or a signal, and whether its memory limit was hit."""

    code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False


@dataclass(frozen=True, kw_only=True)
class NotLaunched:
    """An external extension's file could not be executed, for this reason (errno)."""

    errno: int


class Usage(Struct, frozen=True, kw_only=True):
    """What a sandbox used since it was started or its peak was last reset."""

    max_memory_bytes: int


class Sandbox(Protocol):
    """A started sandbox. Its runtime process begins at once: it imports the function and asks for work.

    Python and Node speak frames (`runtime_api.frames`) on `channel`; anything else speaks HTTP to `runtime_api`, a
    socket that listens at 127.0.0.1:9001 inside the sandbox. `output` is the non-blocking read end of the
    pipe that stdout and stderr share. The environment owns the three once it has them; after `close` the
    sandbox has no process, mount, cgroup or network left, and every further call but `close` is an error.

    `exited` tells of the runtime process. External extensions write to `extension_output`, the environment's as well,
    and `extensions` tells of the end of each by its name; the runtime process waits for them (`frames`, START).
    """

    id: str
    channel: socket.socket
    runtime_api: socket.socket
    output: int
    exited: "asyncio.Future[ExitStatus]"
    extension_output: int | None

    @property
    def extensions(self) -> "Mapping[str, asyncio.Future[ExitStatus | NotLaunched]]":
        """The end of each external extension."""

    def freeze(self) -> None:
        """Stop every process where it stands. Cheap (under 1 ms) and synchronous; freezing a frozen one is no error."""

    def thaw(self) -> None:
        """Let them go on; they are running when this returns."""

    def usage(self) -> Usage:
        """Peak memory since the start, measured by the kernel."""

    def cpu_s(self) -> float | None:
        """CPU seconds that the runtime process has used so far; None where that cannot be told."""

    async def snapshot(self) -> Snapshot:
        """The memory of a process that was started for this and has asked for work; it does nothing more after it.

        Raises SnapshotRefusedError.
        """

    async def socket_inside(self) -> socket.socket:
        """A TCP socket, neither bound nor connected, that is in the sandbox's network. Raises SandboxError."""

    def terminate(self) -> None:
        """SIGTERM to the runtime process."""

    async def close(self) -> None:
        """Kill what is left and take everything down; idempotent. `exited` is done afterwards."""


class SandboxDriver(Protocol):
    """A way to build sandboxes on this machine."""

    name: str
    # Whether `SandboxSpec.to_snapshot` may be asked for.
    takes_snapshots: bool

    async def prepare(self, runtime: Runtime, program: ProgramStart | None = None) -> None:
        """Start what sandboxes of this runtime, or of this program, are made from, so that the first need not wait.

        Raises SandboxError.
        """

    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Build one; raises SandboxError, and SnapshotStaleError where the snapshot in `spec` serves no more."""

    def shed(self) -> bool:
        """Memory is short: let something go that was made ahead of need; whether there was anything."""

    async def close(self) -> None:
        """Close every sandbox of this driver and its helpers."""
