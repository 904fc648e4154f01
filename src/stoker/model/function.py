"""A function's version: everything that decides how its environments are built and run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

LATEST = "$LATEST"


@dataclass(frozen=True, kw_only=True)
class LoggingConfig:
    """Where a function logs and in which form. `log_group` is empty for the default `/aws/lambda/<name>`."""

    log_format: str = "Text"
    application_level: str | None = None
    system_level: str | None = None
    log_group: str = ""


@dataclass(frozen=True, kw_only=True)
class LayerReference:
    """A layer version that a function uses, as GetFunction reports it."""

    arn: str
    code_sha256: str
    code_size: int


@dataclass(frozen=True, kw_only=True)
class FunctionVersion:
    """One version of a function, `$LATEST` or a number. A change makes a new value with a new `revision_id`.

    `code_sha256` and the layers' are hex digests of the zip files, which are the names of their blobs and unpacked
    packages. Sizes in MB are AWS's: 1 MB = 1,048,576 bytes. `last_modified` is in seconds since the epoch.
    `snap_start` is SnapStart's ApplyOn, and `optimized` whether this version has its snapshot.
    `environment_given` says whether the caller sent an Environment, even an empty one: it is shown then.
    """

    account: str
    region: str
    name: str
    version: str = LATEST
    runtime: str
    handler: str
    role: str
    code_sha256: str
    code_size: int
    description: str = ""
    timeout_s: int = 3
    memory_mb: int = 128
    ephemeral_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_given: bool = False
    layers: tuple[LayerReference, ...] = ()
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    dead_letter_arn: str | None = None
    architecture: str = "x86_64"
    package_type: str = "Zip"
    tracing_mode: str = "PassThrough"
    snap_start: str = "None"
    optimized: bool = False
    revision_id: str = ""
    last_modified: float = 0.0
    state: str = "Active"
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: str = "Successful"
    last_update_reason: str | None = None
    last_update_reason_code: str | None = None

    @cached_property
    def unqualified_arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def snap_starts(self) -> bool:
        """Whether its environments are SnapStart's: restored from a snapshot that was made when it was published."""
        return self.snap_start == "PublishedVersions" and self.version != LATEST

    @property
    def exec_wrapper(self) -> str | None:
        """The program that the function has its runtime started by."""
        return self.environment.get("AWS_LAMBDA_EXEC_WRAPPER") or None

    @property
    def log_group(self) -> str:
        return self.logging.log_group or f"/aws/lambda/{self.name}"
