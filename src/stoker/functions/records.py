"""What is remembered of functions: values, and the JSON documents they are stored as."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Generic, TypeVar

from stoker.model.errors import InvalidParameterValueException
from stoker.model.function import LATEST, FunctionVersion, LayerReference, LoggingConfig

MAX_NUMBER = 2**31 - 1
"""What the databases' columns hold: no version has a higher number, and asking a database for one is an error."""

T = TypeVar("T")

CREATING = "The function is being created."
# What tells one version's content from another's leaves these out.
_NOT_CONTENT = frozenset(
    {
        "version",
        "revision_id",
        "last_modified",
        "state",
        "state_reason",
        "state_reason_code",
        "last_update_status",
        "last_update_reason",
        "last_update_reason_code",
        "optimized",
    }
)


@dataclass(frozen=True, kw_only=True)
class VersionRecord:
    """One version as it is stored.

    `revision_id` is the RevisionId that callers see and that changes with policies too; the function's own one
    changes only when its environments become stale. `serving` is what invocations still get while `function` is
    being prepared or could not be. `fingerprint` is what a published version was made of.
    """

    function: FunctionVersion
    revision_id: str
    serving: FunctionVersion | None = None
    fingerprint: str | None = None

    @property
    def number(self) -> int:
        return version_number(self.function.version)

    @property
    def settled(self) -> bool:
        """Whether nothing is left to prepare."""
        return self.function.state != "Pending" and self.function.last_update_status != "InProgress"

    @property
    def served(self) -> FunctionVersion:
        """What an invocation gets, if its state allows one."""
        return self.serving or self.function


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A name for a version. `weights` sends a part of the invocations, 0.0 to 1.0, to another version."""

    name: str
    version: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    revision_id: str


@dataclass(frozen=True, kw_only=True)
class LayerVersion:
    """One version of a layer. `code_sha256` is in hex, `created` in seconds since the epoch."""

    account: str
    region: str
    name: str
    version: int
    description: str
    license_info: str | None
    compatible_runtimes: tuple[str, ...]
    compatible_architectures: tuple[str, ...]
    code_sha256: str
    code_size: int
    created: float


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Some items of a list and, if there are more, the marker to go on with."""

    items: Sequence[T]
    next_marker: str | None = None


def new_revision() -> str:
    """A RevisionId."""
    return str(uuid.uuid4())


def version_number(version: str) -> int:
    """The number under which a version is stored: $LATEST is 0."""
    return 0 if version == LATEST else int(version)


def base64_digest(digest: str) -> str:
    """A hex digest in the form in which AWS shows it: CodeSha256."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def encode_marker(*key: str | int) -> str:
    """An opaque marker for the last item of a page."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def decode_marker(marker: str | None, *first: str | int) -> Sequence[Any]:
    """The key in a marker; `first`, which sorts before everything, if there is no marker."""
    if not marker:
        return first
    try:
        key: list[Any] = json.loads(base64.urlsafe_b64decode(marker))
        json.dumps(key, ensure_ascii=False).encode()  # Half of a surrogate pair is no text that a database takes.
    except (ValueError, RecursionError) as error:
        raise InvalidParameterValueException("Invalid Marker.") from error
    fits = isinstance(key, list) and [type(part) for part in key] == [type(part) for part in first]
    if not fits or any(isinstance(part, int) and not 0 <= part <= MAX_NUMBER for part in key):
        raise InvalidParameterValueException("Invalid Marker.")
    return key


def page_of(items: Sequence[T], limit: int, marker: Callable[[T], str]) -> Page[T]:
    """A page of `limit` items, cut from what was read: one item more than that if there are more."""
    if len(items) <= limit:
        return Page(items=items)
    return Page(items=items[:limit], next_marker=marker(items[limit - 1]))


def encode_function(function: FunctionVersion) -> dict[str, Any]:
    """A function version as a JSON document."""
    return asdict(replace(function, environment=dict(function.environment)))


def decode_function(document: Mapping[str, Any]) -> FunctionVersion:
    """A function version from its JSON document."""
    values = dict(document)
    values["layers"] = tuple(LayerReference(**layer) for layer in document["layers"])
    values["logging"] = LoggingConfig(**document["logging"])
    return FunctionVersion(**values)


def fingerprint(function: FunctionVersion) -> str:
    """Equal for versions with the same code and configuration."""
    content = {key: value for key, value in encode_function(function).items() if key not in _NOT_CONTENT}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def encode_layer(layer: LayerVersion) -> dict[str, Any]:
    """A layer version as a JSON document."""
    return asdict(layer)


def decode_layer(document: Mapping[str, Any]) -> LayerVersion:
    """A layer version from its JSON document."""
    values = dict(document)
    values["compatible_runtimes"] = tuple(document["compatible_runtimes"])
    values["compatible_architectures"] = tuple(document["compatible_architectures"])
    return LayerVersion(**values)
