"""Sandboxes in gVisor: the function's system calls are answered by a kernel in user space, not by the machine's.

A second wall for code that nobody knows, paid with a slower start and slower system calls. Slots, cgroups and process 1
are those of the Linux driver; `gvisor_launcher.py` shows what runs between them and the function.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stoker.bootstrap.worker import PROCESSES
from stoker.linux import cgroups, namespaces
from stoker.model.runtime import Runtime
from stoker.sandbox import gvisor_container
from stoker.sandbox.blank import Blank
from stoker.sandbox.driver import ExitStatus, NotLaunched, SandboxError, Usage
from stoker.sandbox.function_mounts import function_mounts
from stoker.sandbox.gvisor_runsc import SIGNAL_CODES, Runsc
from stoker.sandbox.linux_driver import MB, LinuxSandbox, Listener, ServeEndpoint
from stoker.sandbox.platform_files import assemble, compile_for
from stoker.sandbox.slots import Facts, Slots
from stoker.sandbox.snapshot import Snapshot, SnapshotRefusedError
from stoker.sandbox.spec import ProgramStart, SandboxSpec
from stoker.sandbox.zygotes import Command, Zygote, shown

# The Sentry, its file server and runsc run some 40 threads; the function's own limit is not lowered by them.
GVISOR_THREADS = 128
# Measured: 4.5 MB for one that executes a process, where one that is the container takes 16 MB.
FURTHER_RUNSC = 0.28
TRIAL_TIMEOUT_S = 30.0
TRIAL_OUTPUT_BYTES = 4096
T = TypeVar("T")


class GvisorSandbox(LinuxSandbox):
    """A blank whose worker became `runsc run`. Frozen, measured and killed as a whole, by its cgroup."""

    def __init__(
        self,
        blank: Blank,
        listener: Listener,
        release: Callable[[Blank], None],
        spec: SandboxSpec,
        slots: Slots,
        *,
        own_memory_bytes: int,
    ) -> None:
        super().__init__(blank, listener, release, spec, slots)
        self._own_memory_bytes = own_memory_bytes
        self.exited = _translated(blank.worker_ended, function_status)
        self.extensions = {name: _translated(ended, _extension_status) for name, ended in blank.extensions.items()}

    def usage(self) -> Usage:
        """The peak of the whole, less what a container that does nothing uses."""
        return Usage(max_memory_bytes=max(0, super().usage().max_memory_bytes - self._own_memory_bytes))

    def cpu_s(self) -> float | None:
        """Not to be told: the worker is runsc, and the function's process none of this kernel's."""
        return None

    async def snapshot(self) -> Snapshot:
        raise SnapshotRefusedError("memory is not taken out of gVisor")

    def __repr__(self) -> str:
        return super().__repr__().replace("linux", "gvisor", 1)


def _translated(ended: asyncio.Future[T], translate: Callable[[T], T]) -> asyncio.Future[T]:
    """The same end, in the function's terms."""
    translated: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    ended.add_done_callback(lambda _: translated.set_result(translate(ended.result())))
    return translated


def _extension_status(end: ExitStatus | NotLaunched) -> ExitStatus | NotLaunched:
    return function_status(end) if isinstance(end, ExitStatus) else end


def _runscs(spec: SandboxSpec) -> int:
    """How many of them run for a function: one that is the container, and where there are extensions one for each
    process in it.
    """
    return 2 + len(spec.extensions) if spec.extensions else 1


def function_status(runsc: ExitStatus) -> ExitStatus:
    """How the function ended, from how `runsc run` did."""
    if runsc.out_of_memory:
        # The kernel's killer took the Sentry, and runsc reports a failure of its own.
        return ExitStatus(signal=signal.SIGKILL, out_of_memory=True)
    if runsc.code is not None and SIGNAL_CODES < runsc.code < SIGNAL_CODES + signal.NSIG:
        return ExitStatus(signal=runsc.code - SIGNAL_CODES)
    return runsc


class GvisorDriver:
    """See `SandboxDriver`. Needs root, cgroups, mount_setattr and `runsc`.

    A function gets its memory on top of what gVisor itself uses for a container that does nothing, which `open`
    measures. What gVisor uses beyond that on behalf of the function (page tables, open files) counts as the function's.
    """

    name = "gvisor"
    takes_snapshots = False

    def __init__(
        self,
        *,
        runsc: Runsc,
        slots: Slots,
        facts: Facts,
        hierarchy: cgroups.Hierarchy,
        runtime_dir: Path,
        directory: Path,
        blanks: int,
        serve_endpoint: ServeEndpoint,
    ) -> None:
        self.runsc = runsc
        self.facts = facts
        self.own_memory_bytes = 0
        self._slots = slots
        self._hierarchy = hierarchy
        self._runtime_dir = runtime_dir
        self._directory = directory
        self._blanks = blanks
        self._serve_endpoint = serve_endpoint
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._compilations: dict[Path, asyncio.Task[None]] = {}
        self._sandboxes: dict[int, GvisorSandbox] = {}

    @classmethod
    async def open(
        cls,
        data: Path,
        *,
        endpoint_port: int,
        slots: int,
        blanks: int,
        serve_endpoint: ServeEndpoint,
        platform: str | None = None,
    ) -> "GvisorDriver":
        """Prepare this machine and run one container to see that it can; raises SandboxError where it cannot."""
        if not namespaces.is_own(namespaces.CLONE_NEWPID):
            raise SandboxError("gVisor's sandboxes need root, and this server was started by an ordinary user")
        runsc = await asyncio.to_thread(Runsc.find, platform)
        runtime_dir = await asyncio.to_thread(assemble, data)
        directory = data / "gvisor"
        for place in ("root", "bundle"):
            (directory / place).mkdir(parents=True, exist_ok=True)
        hierarchy = await asyncio.to_thread(cgroups.open_hierarchy, "stoker-gvisor")
        await asyncio.to_thread(hierarchy.sweep)
        pool, facts = await Slots.start(directory=data / "disks", endpoint_port=endpoint_port, ready=slots)
        driver = cls(
            runsc=runsc,
            slots=pool,
            facts=facts,
            hierarchy=hierarchy,
            runtime_dir=runtime_dir,
            directory=directory,
            blanks=blanks,
            serve_endpoint=serve_endpoint,
        )
        try:
            await driver._try()
        except BaseException:
            await driver.close()
            raise
        return driver

    async def prepare(self, runtime: Runtime, program: ProgramStart | None = None) -> None:
        await self._compiled(runtime)
        await self._zygote(runtime).prepare()

    async def start(self, spec: SandboxSpec) -> GvisorSandbox:
        await self._compiled(spec.runtime)
        blank = await self._zygote(spec.runtime).take()
        try:
            listener = await self._specialise(blank, spec)
        except OSError as error:
            await self._discard(blank)
            raise SandboxError(f"a gVisor sandbox for {spec.handler} could not be built: {error}") from error
        except BaseException:
            await self._discard(blank)
            raise
        sandbox = GvisorSandbox(
            blank, listener, self._release, spec, self._slots, own_memory_bytes=self._own_memory_bytes(spec)
        )
        self._sandboxes[blank.pid] = sandbox
        return sandbox

    def shed(self) -> bool:
        return False

    async def close(self) -> None:
        await asyncio.gather(*(sandbox.close() for sandbox in list(self._sandboxes.values())))
        await asyncio.gather(*(zygote.close() for zygote in self._zygotes.values()))
        await asyncio.gather(*self._compilations.values())
        await self._slots.close()
        await asyncio.to_thread(self._hierarchy.close)

    async def _specialise(self, blank: Blank, spec: SandboxSpec) -> Listener:
        memory_bytes = spec.memory_mb * MB + self._own_memory_bytes(spec)
        processes = PROCESSES + GVISOR_THREADS * _runscs(spec)
        blank.cgroup.limit(
            memory_bytes=memory_bytes, cpu_share=spec.cpus, cpu_cores=max(1.0, spec.cpus), pids_max=processes
        )
        async with function_mounts(spec, blank.slot, self._slots) as mounts:
            listener = self._serve_endpoint(blank.slot.endpoint)
            order, mounts = gvisor_container.order(spec), self._below_root(mounts)
            if spec.extensions:
                await blank.order_with_extensions(order, mounts, spec.extensions)
            else:
                await blank.order(order, mounts)
        return listener

    async def _compiled(self, runtime: Runtime) -> None:
        """Each start executes the interpreter, which would spend 0.1 s on compiling the runtime client."""
        if runtime.kind != "python" or runtime.executable is None:
            return
        if runtime.executable not in self._compilations:
            work = asyncio.to_thread(compile_for, runtime.executable, self._runtime_dir)
            self._compilations[runtime.executable] = asyncio.create_task(work)
        await asyncio.shield(self._compilations[runtime.executable])

    async def _try(self) -> None:
        """Run a container that does nothing: whether gVisor works here, and what it takes for itself."""
        blank = await self._zygote(None).take()
        try:
            await blank.order({"argv": ["/bin/true"], "environment": {}}, self._below_root({"/tmp": blank.slot.disk}))
            async with asyncio.timeout(TRIAL_TIMEOUT_S):
                status = await asyncio.shield(blank.ended)
            if status.code != 0:
                said = os.read(blank.output, TRIAL_OUTPUT_BYTES).decode(errors="replace").strip()
                raise SandboxError(f"gVisor cannot run a container here ({self.runsc.platform}): {said or status}")
            self.own_memory_bytes = blank.cgroup.peak_memory()
        except TimeoutError as error:
            raise SandboxError(f"gVisor did not end an empty container within {TRIAL_TIMEOUT_S:.0f} s") from error
        finally:
            await self._discard(blank)

    def _below_root(self, mounts: dict[str, int]) -> dict[str, int]:
        return {f"{self._directory / 'root'}{target}": mount for target, mount in mounts.items()}

    def _own_memory_bytes(self, spec: SandboxSpec) -> int:
        """What gVisor takes for itself."""
        return int(self.own_memory_bytes * (1 + FURTHER_RUNSC * (_runscs(spec) - 1)))

    async def _discard(self, blank: Blank) -> None:
        await blank.discard()
        self._slots.give_back(blank.slot)

    def _release(self, blank: Blank) -> None:
        self._slots.give_back(blank.slot)
        del self._sandboxes[blank.pid]

    def _zygote(self, runtime: Runtime | None) -> Zygote:
        """The launcher whose root shows this runtime; those without a program of this machine's share one."""
        shows = tuple(shown(runtime))
        if shows not in self._zygotes:
            self._zygotes[shows] = Zygote(
                f"gvisor {' '.join(shows)}".strip(),
                command=self._launcher_command(shows),
                slots=self._slots,
                create_cgroup=self._hierarchy.create,
                ready=self._blanks,
            )
        return self._zygotes[shows]

    def _launcher_command(self, shows: tuple[str, ...]) -> Command:
        own = [self._directory, self._runtime_dir, self.runsc.program, self.runsc.platform, *shows]
        module = [sys.executable, "-m", "stoker.sandbox.gvisor_launcher"]
        return lambda descriptor: [*module, str(descriptor), *map(str, own)]
