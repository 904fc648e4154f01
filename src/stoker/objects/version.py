"""One version of an object as a value, and who did something to it."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stoker.objects.bucket import NULL_VERSION
from stoker.objects.checksums import Checksum

STANDARD = "STANDARD"
DEFAULT_TYPE = "binary/octet-stream"
MAX_KEY_BYTES = 1024
_SEQ_BYTES, _RANDOM_BYTES = 8, 16


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """What an object carries besides its bytes. `headers` are the API's members (`ContentType`, `CacheControl`, …)."""

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = STANDARD
    checksum: Checksum | None = None
    parts: int | None = None

    def document(self) -> Mapping[str, Any]:
        """As it is stored: without what says nothing."""
        return {name: value for name, value in asdict(self).items() if value not in (None, {}, STANDARD)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Attributes":
        checksum = document.get("checksum")
        return cls(**{**document, "checksum": None if checksum is None else Checksum(**checksum)})


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """A version of an object, or a delete marker. `etag` is without its quotes; `modified` in whole seconds.

    Its bytes are one `blob`, or the parts of an `upload`. `seq` orders the versions of a key.
    """

    bucket: int
    key: str
    seq: int
    version_id: str
    modified: float
    etag: str = ""
    size: int = 0
    is_marker: bool = False
    listed: bool = True
    blob: str | None = None
    upload: str | None = None
    attributes: Attributes = field(default_factory=Attributes)

    @property
    def quoted_etag(self) -> str:
        return f'"{self.etag}"'

    @property
    def tie(self) -> int:
        return self.seq

    @property
    def sequencer(self) -> str:
        """Events of a key compare by it as text."""
        return f"{self.seq:018X}"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an upload, or of an object that was made of one. `start` is where it begins in the object."""

    number: int
    size: int
    etag: str
    modified: float
    blob: str
    checksums: Mapping[str, str]
    start: int | None = None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload in parts that is not complete. `algorithm` and `kind` are its checksum's; `asked` tells whether the
    caller chose it."""

    id: str
    bucket: int
    key: str
    initiated: float
    attributes: Attributes
    algorithm: str
    kind: str
    asked: bool

    @property
    def tie(self) -> str:
        return self.id


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who did something, as events tell it; `trace_id` is the chain of invocations in which it was done."""

    principal_id: str
    source_ip: str
    request_id: str
    trace_id: str | None = None


def new_version_id(seq: int) -> str:
    """32 characters that nobody guesses. The version's place is in it, so that it is found by its primary key."""
    return base64.urlsafe_b64encode(seq.to_bytes(_SEQ_BYTES, "big") + secrets.token_bytes(_RANDOM_BYTES)).decode(
        "ascii"
    )


def seq_of(version_id: str) -> int | None:
    """The place that a version id was made for; None for what was never one."""
    try:
        decoded = base64.b64decode(version_id, altchars=b"-_", validate=True)
    except ValueError:
        return None
    return int.from_bytes(decoded[:_SEQ_BYTES], "big") if len(decoded) == _SEQ_BYTES + _RANDOM_BYTES else None


def is_null(version_id: str) -> bool:
    return version_id == NULL_VERSION
