"""From what a caller asks for to the next version to store: pure but for looking layers and sizes up."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from stoker.functions import configuration, version_rows
from stoker.functions.configuration import ConfigurationChange
from stoker.functions.layers import resolve_layers
from stoker.functions.packages import Package
from stoker.functions.records import CREATING, VersionRecord, fingerprint, new_revision
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException
from stoker.model.function import FunctionVersion
from stoker.model.limits import MAX_TAGS, MAX_UNZIPPED_BYTES

# What `uname -m` calls the architectures that Lambda has.
_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class NewFunction:
    """What CreateFunction is given, besides the zip."""

    configuration: ConfigurationChange
    tags: Mapping[str, str] = field(default_factory=dict)
    publish: bool = False


def machine_architecture() -> str:
    """The architecture that functions run on here, by Lambda's name; what Lambda has no name for, by its own."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def check_architecture(wanted: str | None, machine: str) -> None:
    """Code for another machine cannot run here."""
    if wanted is not None and wanted != machine:
        raise InvalidParameterValueException(f"Architecture {wanted} cannot run on this machine, which is {machine}.")


# A tag that Stoker obeys: the sandbox that a function runs in, whatever the server's own choice is.
SANDBOX_TAG = "stoker:sandbox"
SANDBOXES = ("linux", "gvisor")
# Another: a function with the value `fresh` gets an environment of its own for each invocation.
ENVIRONMENT_TAG = "stoker:environment"
FRESH = "fresh"
OBEYED_TAGS = (SANDBOX_TAG, ENVIRONMENT_TAG)


def check_tags(tags: Mapping[str, str]) -> None:
    """The number of tags that a function may have, and the values of those that Stoker obeys."""
    if len(tags) > MAX_TAGS:
        raise InvalidParameterValueException("Number of tags exceeds resource tag limit.")
    if tags.get(SANDBOX_TAG) not in (None, *SANDBOXES):
        raise InvalidParameterValueException(f"The tag {SANDBOX_TAG} takes one of: {', '.join(SANDBOXES)}.")
    if tags.get(ENVIRONMENT_TAG) not in (None, FRESH):
        raise InvalidParameterValueException(f"The tag {ENVIRONMENT_TAG} takes one value: {FRESH}.")


def first_draft(function: FunctionId, change: ConfigurationChange, machine: str, now: float) -> FunctionVersion:
    """A new function's $LATEST, without its code and layers."""
    if change.runtime is None or change.handler is None:
        raise InvalidParameterValueException(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    base = FunctionVersion(
        account=function.account,
        region=function.region,
        name=function.name,
        runtime=change.runtime,
        handler=change.handler,
        role=change.role or "",
        code_sha256="",
        code_size=0,
        architecture=machine,
        last_modified=now,
        state="Pending",
        state_reason=CREATING,
        state_reason_code="Creating",
    )
    return configuration.apply(base, change)


def with_code(function: FunctionVersion, package: Package) -> FunctionVersion:
    return replace(function, code_sha256=package.digest, code_size=package.size)


def with_layers(conn: Connection, function: FunctionVersion, change: ConfigurationChange) -> FunctionVersion:
    """The function with the layers that a change names, if it names any."""
    if change.layers is None:
        return function
    key = FunctionId(account=function.account, region=function.region, name=function.name)
    return replace(function, layers=resolve_layers(conn, key, change.layers, function.layers))


def check_unzipped_size(conn: Connection, function: FunctionVersion) -> None:
    """Code and layers together, as their zips declare themselves."""
    digests = [function.code_sha256, *(layer.code_sha256 for layer in function.layers)]
    sizes = version_rows.unzipped_sizes(conn, digests)
    total = sum(sizes[digest] for digest in digests)
    if total > MAX_UNZIPPED_BYTES:
        raise InvalidParameterValueException(
            f"Function code combined with layers exceeds the maximum allowed size of {MAX_UNZIPPED_BYTES} bytes. "
            f"The actual size is {total} bytes."
        )


def created(function: FunctionVersion) -> VersionRecord:
    """The record of a new version, which is yet to be prepared."""
    revision_id = new_revision()
    return VersionRecord(function=replace(function, revision_id=revision_id), revision_id=revision_id)


def updated(record: VersionRecord, function: FunctionVersion, now: float) -> VersionRecord:
    """The record of a changed $LATEST. What was served before is served until the change is prepared."""
    revision_id = new_revision()
    changed = replace(
        function,
        revision_id=revision_id,
        last_modified=now,
        last_update_status="InProgress",
        last_update_reason=CREATING,
        last_update_reason_code="Creating",
    )
    serving = record.serving
    if serving is None and record.function.state == "Active":
        serving = record.function
    return VersionRecord(function=changed, revision_id=revision_id, serving=serving)


def published(latest: VersionRecord, number: int, description: str | None) -> VersionRecord:
    """The record of a version made from $LATEST; it is as far prepared as $LATEST is."""
    revision_id = new_revision()
    function = replace(latest.function, version=str(number), revision_id=revision_id)
    if description is not None:
        function = replace(function, description=description)
    if not latest.settled or function.snap_starts:
        function = replace(
            function,
            state="Pending",
            state_reason=CREATING,
            state_reason_code="Creating",
            last_update_status="Successful",
            last_update_reason=None,
            last_update_reason_code=None,
        )
    return VersionRecord(function=function, revision_id=revision_id, fingerprint=fingerprint(latest.function))
