"""What a sandbox is made of: a value that a driver can build from without asking anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stoker.model.runtime import Runtime
from stoker.sandbox.snapshot import Snapshot

EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"


@dataclass(frozen=True, kw_only=True)
class ProgramStart:
    """What decides how a function's program is started, before its code is: memory (in MB) and variables.

    The variables may lack those that are only known when it runs, which no program looks at when it starts.
    """

    runtime: Runtime
    memory_mb: int
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SandboxSpec:
    """One sandbox to start. MB are 1,048,576 bytes; `cpus` is a share in vCPUs (1,769 MB of memory is one).

    With a `snapshot` its process begins where that was taken, after the init. With `to_snapshot` (Python only) it runs
    the init and asks for work, but takes none: its snapshot is to be taken. `extensions` are the names of the files
    in /opt/extensions that run beside the function; it begins when the process is told START.
    """

    runtime: Runtime
    handler: str
    task_root: Path
    layers_root: Path | None
    environment: Mapping[str, str]
    memory_mb: int
    ephemeral_mb: int
    cpus: float
    snapshot: Snapshot | None = None
    to_snapshot: bool = False
    extensions: tuple[str, ...] = ()

    @property
    def wrapper(self) -> str | None:
        """The function's own program that starts its runtime, whose command it gets as arguments.

        Source: "Modifying the runtime environment" in the AWS Lambda Developer Guide. Not for custom runtimes.
        """
        return None if self.runtime.kind == "provided" else self.environment.get(EXEC_WRAPPER) or None

    @property
    def program(self) -> ProgramStart:
        return ProgramStart(runtime=self.runtime, memory_mb=self.memory_mb, environment=self.environment)
