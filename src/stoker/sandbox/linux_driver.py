"""Sandboxes from the kernel's own means: a fork in namespaces, a cgroup, a seccomp filter, and no rights."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from stoker.bootstrap.worker import PROCESSES
from stoker.linux import cgroups
from stoker.linux.no_cgroups import NoHierarchy
from stoker.model.runtime import Runtime
from stoker.sandbox import snapshot
from stoker.sandbox.blank import Blank, BlankGoneError
from stoker.sandbox.driver import ExitStatus, SandboxError, SnapshotStaleError, Usage
from stoker.sandbox.function_mounts import function_mounts
from stoker.sandbox.nodes_ahead import NodesAhead
from stoker.sandbox.platform_files import assemble, compile_for
from stoker.sandbox.rehearsal import Copies, Rehearsal, spec_of
from stoker.sandbox.restores_ahead import RestoresAhead
from stoker.sandbox.slots import Facts, Slots
from stoker.sandbox.snapshot import Snapshot
from stoker.sandbox.spec import ProgramStart, SandboxSpec
from stoker.sandbox.zygotes import Zygote, interpreter_command

MB = 1 << 20
SYSTEM_PYTHON = Path("/usr/bin/python3")
NODE_BOOTSTRAP = "/var/runtime/node/index.cjs"
# As AWS's Node runtime divides a function's memory.
NODE_OLD_SPACE, NODE_YOUNG_SPACE = 0.9, 0.05
# Where AWS looks for a custom runtime's entry point, in its order.
ENTRYPOINTS = ["/var/runtime/bootstrap", "/var/task/bootstrap", "/opt/bootstrap"]
PYTHON_BOOTSTRAP = "/var/runtime/bootstrap.py"
# What AWS's managed runtimes say and exit with when there is no wrapper to execute.
WRAP = """\
[ -f "$0" ] || { echo "$0: does not exist"; exit 127; }
[ -x "$0" ] || { echo "$0: is not an executable"; exit 126; }
exec "$0" "$@"
"""


class Listener(Protocol):
    """A served socket that can be taken out of service."""

    def close(self) -> None: ...


ServeEndpoint = Callable[[socket.socket], Listener]


class LinuxSandbox:
    """A blank that was told what to be."""

    def __init__(
        self,
        blank: Blank,
        listener: Listener,
        release: Callable[[Blank], None],
        spec: SandboxSpec,
        slots: Slots,
    ) -> None:
        self.id = f"{blank.slot.index}-{blank.pid}"
        self.channel = blank.channel
        self.runtime_api = blank.slot.runtime_api
        self.output = blank.output
        self.exited: asyncio.Future[ExitStatus] = blank.worker_ended
        self.extension_output = blank.extension_output
        self.extensions = blank.extensions
        self._blank = blank
        self._listener = listener
        self._release = release
        self._slots = slots
        self._memory_bytes = spec.memory_mb * MB
        # What came along with a snapshot is not charged to the sandbox, but the function does have it.
        self._restored_bytes = 0 if spec.snapshot is None else spec.snapshot.memory_bytes
        self._closing: asyncio.Task[None] | None = None

    def freeze(self) -> None:
        self._blank.cgroup.freeze()

    def thaw(self) -> None:
        self._blank.cgroup.thaw()

    def usage(self) -> Usage:
        return Usage(max_memory_bytes=max(self._restored_bytes, self._blank.peak_memory()))

    def cpu_s(self) -> float | None:
        return self._blank.cpu_s()

    async def snapshot(self) -> Snapshot:
        self.freeze()
        return await asyncio.to_thread(
            snapshot.take,
            self._blank.pid,
            limit_bytes=self._memory_bytes,
            zygote=self._blank.zygote,
            memory_bytes=self._blank.peak_memory(),
        )

    async def socket_inside(self) -> socket.socket:
        return await self._slots.socket_inside(self._blank.slot)

    def terminate(self) -> None:
        self._blank.signal_worker(signal.SIGTERM)

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"close {self!r}")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._listener.close()
        await self._blank.destroy()
        self._release(self._blank)

    def __repr__(self) -> str:
        state = f"exited {self.exited.result()}" if self.exited.done() else "running"
        return f"<linux sandbox {self.id} {state}>"


class LinuxDriver:
    """See `SandboxDriver`. Needs root (or a user namespace in which it is root), cgroups and mount_setattr."""

    name = "linux"
    takes_snapshots = True

    def __init__(
        self,
        *,
        slots: Slots,
        facts: Facts,
        hierarchy: cgroups.Hierarchy,
        runtime_dir: Path,
        root: Path,
        blanks: int,
        serve_endpoint: ServeEndpoint,
    ) -> None:
        self.facts = facts
        self._slots = slots
        self._hierarchy = hierarchy
        self._runtime_dir = runtime_dir
        self._root = root
        self._blanks = blanks
        self._serve_endpoint = serve_endpoint
        self._zygotes: dict[str, Zygote] = {}
        self._nodes = NodesAhead(self._blank, self._discard)
        self._restores = RestoresAhead(self._blank, self._specialise, self._discard, most=blanks)
        self._sandboxes: dict[int, LinuxSandbox] = {}
        self._compilations: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        data: Path,
        *,
        endpoint_port: int,
        slots: int,
        blanks: int,
        serve_endpoint: ServeEndpoint,
        allow_weak_isolation: bool = False,
    ) -> "LinuxDriver":
        """Prepare this machine: sweep what a killed predecessor left, start the warden, fill the pool.

        Without cgroups a SandboxError, or functions without limits where weak isolation is allowed.
        """
        runtime_dir = await asyncio.to_thread(assemble, data)
        root = data / "root"
        root.mkdir(exist_ok=True)
        hierarchy = await asyncio.to_thread(_open_hierarchy, allow_weak_isolation)
        await asyncio.to_thread(hierarchy.sweep)
        pool, facts = await Slots.start(directory=data / "disks", endpoint_port=endpoint_port, ready=slots)
        return cls(
            slots=pool,
            facts=facts,
            hierarchy=hierarchy,
            runtime_dir=runtime_dir,
            root=root,
            blanks=blanks,
            serve_endpoint=serve_endpoint,
        )

    async def prepare(self, runtime: Runtime, program: ProgramStart | None = None) -> None:
        await self._zygote(runtime).prepare()
        if program is not None and runtime.kind == "node" and self._blanks:
            self._nodes.expect(program, node_command(program))

    async def start(self, spec: SandboxSpec) -> LinuxSandbox:
        # One that died while it waited is nobody's fault but its killer's: the next one serves as well.
        for _ in range(self._blanks):
            try:
                return await self._start(spec)
            except BlankGoneError:
                continue
        return await self._start(spec)

    async def _start(self, spec: SandboxSpec) -> LinuxSandbox:
        blank = await self._take_blank(spec)
        try:
            if spec.snapshot is None:
                await self._specialise(blank, spec)
            else:
                blank.go_on(spec.environment)
            listener = self._serve_endpoint(blank.slot.endpoint)
        except OSError as error:
            await self._discard(blank)
            raise SandboxError(f"a sandbox for {spec.handler} could not be built: {error}") from error
        except BaseException:
            await self._discard(blank)
            raise
        sandbox = LinuxSandbox(blank, listener, self._release, spec, self._slots)
        self._sandboxes[blank.pid] = sandbox
        return sandbox

    async def _take_blank(self, spec: SandboxSpec) -> Blank:
        """What it is made from: a process of its program or its template that waits for its order, or a blank."""
        if spec.snapshot is not None:
            return await self._restores.take(spec, spec.snapshot)
        if spec.runtime.kind == "node" and self._blanks and not spec.extensions:
            waiting = await self._nodes.take(spec.program, node_command(spec.program))
            if waiting is not None:
                return waiting
        return await self._blank(spec.runtime)

    async def _blank(self, runtime: Runtime) -> Blank:
        return await self._zygote(runtime).take()

    def shed(self) -> bool:
        return self._restores.shed() or self._nodes.shed()

    async def close(self) -> None:
        await asyncio.gather(*(sandbox.close() for sandbox in list(self._sandboxes.values())))
        await self._restores.close()
        await self._nodes.close()
        await asyncio.gather(*(zygote.close() for zygote in self._zygotes.values()))
        await asyncio.gather(*self._compilations)
        await self._slots.close()
        await asyncio.to_thread(self._hierarchy.close)

    async def _discard(self, blank: Blank) -> None:
        await blank.discard()
        self._slots.give_back(blank.slot)

    def _release(self, blank: Blank) -> None:
        self._slots.give_back(blank.slot)
        del self._sandboxes[blank.pid]

    async def _specialise(self, blank: Blank, spec: SandboxSpec) -> None:
        blank.cgroup.limit(
            memory_bytes=spec.memory_mb * MB, cpu_share=spec.cpus, cpu_cores=max(1.0, spec.cpus), pids_max=PROCESSES
        )
        async with function_mounts(spec, blank.slot, self._slots) as attached:
            if spec.extensions:
                await blank.order_with_extensions(_order(spec), attached, spec.extensions)
            elif spec.snapshot is None:
                await blank.order(_order(spec), attached)
            elif spec.snapshot.closed or spec.snapshot.zygote is not blank.zygote:
                raise SnapshotStaleError(f"{spec.snapshot!r} serves no more")
            else:
                await blank.order_restored(attached, spec.snapshot)

    def _zygote(self, runtime: Runtime) -> Zygote:
        """Python runtimes fork from their own interpreter's; every other is executed from one of the system's."""
        if runtime.name not in self._zygotes:
            python = runtime.executable if runtime.kind == "python" else None
            if python is not None:
                # Not waited for: it makes later imports of boto3 quick, and has no part in the first one's start.
                work = asyncio.to_thread(compile_for, python, self._runtime_dir)
                self._compilations.append(asyncio.create_task(work, name=f"compile for {runtime.name}"))
            interpreter = python or (SYSTEM_PYTHON if SYSTEM_PYTHON.exists() else Path(sys.executable))
            self._zygotes[runtime.name] = Zygote(
                runtime.name,
                command=interpreter_command(interpreter, self._root, self._runtime_dir, runtime),
                slots=self._slots,
                create_cgroup=self._hierarchy.create,
                ready=self._blanks,
                rehearse=partial(self._rehearse, runtime) if python is not None else None,
            )
        return self._zygotes[runtime.name]

    async def _rehearse(self, runtime: Runtime, blank: Blank) -> Copies:
        blank.channel.setblocking(False)
        rehearsal = await asyncio.to_thread(Rehearsal, blank.pid, blank.channel)
        await self._specialise(blank, spec_of(runtime, self._runtime_dir))
        return await rehearsal.run()


def _open_hierarchy(allow_weak_isolation: bool) -> cgroups.Hierarchy:
    try:
        return cgroups.open_hierarchy("stoker")
    except cgroups.CgroupsUnavailableError as error:
        if not allow_weak_isolation:
            raise SandboxError(f"functions cannot be limited here: {error}") from error
        return NoHierarchy()


def node_command(program: ProgramStart) -> list[str]:
    """Node with our bootstrap. V8 looks at the machine's memory and not at the cgroup's, so it is told its share."""
    old_mb, young_mb = program.memory_mb * NODE_OLD_SPACE, program.memory_mb * NODE_YOUNG_SPACE
    sizes = [f"--max-old-space-size={old_mb:.0f}", f"--max-semi-space-size={max(1.0, young_mb):.0f}"]
    return [str(program.runtime.executable), *sizes, NODE_BOOTSTRAP]


def wrapped_command(spec: SandboxSpec) -> list[str]:
    """The function's wrapper with the runtime's command, which it may change and has to execute.

    The runtime's program comes last, for wrappers that put options before it.
    """
    assert spec.wrapper is not None
    python = [str(spec.runtime.executable), PYTHON_BOOTSTRAP]
    command = python if spec.runtime.kind == "python" else node_command(spec.program)
    return ["/bin/sh", "-c", WRAP, spec.wrapper, *command]


def _order(spec: SandboxSpec) -> dict[str, Any]:
    """What the worker is told to be; see `bootstrap.worker.run`."""
    if spec.wrapper is not None:
        return {"kind": "wrapped", "environment": dict(spec.environment), "argv": wrapped_command(spec)}
    return {
        "kind": "template" if spec.to_snapshot else spec.runtime.kind,
        "handler": spec.handler,
        "environment": dict(spec.environment),
        "argv": node_command(spec.program) if spec.runtime.kind == "node" else [],
        "entrypoints": ENTRYPOINTS,
    }
