"""Where objects' bytes are to be, by the operator's wish: files of this machine, or a bucket somewhere."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stoker.objects.byte_store import ByteStore
from stoker.objects.local_bytes import LocalBytes

_HERE = "files"
_OPTIONS = frozenset({"endpoint", "region"})


class PlaceError(Exception):
    """The place for objects cannot be used. The message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """`url` is empty for files. `key` is an access key and its secret; without one it is looked for as AWS's clients
    do it."""

    url: str = ""
    key: tuple[str, str] | None = None


def open_place(place: Place, data: Path) -> ByteStore:
    """The place, which has to be the one that this data directory's objects are in. Blocks; raises PlaceError."""
    settings = _settings(place) if place.url else {}
    _remember(place, data / "objects.place")
    if not settings:
        return LocalBytes(data / "objects")
    # Only now: whoever keeps objects in files need not have it.
    try:
        from obstore.store import S3Store

        from stoker.objects.remote_bytes import RemoteBytes
    except ImportError as error:
        raise PlaceError("--objects needs the package obstore: pip install 'stoker[s3]'") from error
    return RemoteBytes(S3Store(**settings), data / "objects" / "spool")


def _settings(place: Place) -> dict[str, Any]:
    parts = urlsplit(place.url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme != "s3" or not parts.netloc or options.keys() - _OPTIONS:
        raise PlaceError("--objects is given as s3://BUCKET/PREFIX?endpoint=URL&region=NAME")
    settings: dict[str, Any] = {"bucket": parts.netloc, "client_options": {"allow_http": True}, **options}
    settings["retry_config"] = {"max_retries": 5, "retry_timeout": timedelta(seconds=20)}
    if prefix := parts.path.strip("/"):
        settings["prefix"] = prefix
    if place.key is not None:
        settings["access_key_id"], settings["secret_access_key"] = place.key
    return settings


def _remember(place: Place, file: Path) -> None:
    """Objects are found only where they were put: another place would be an empty one."""
    wanted = place.url.partition("?")[0] or _HERE
    if not file.exists():
        # Objects that are older than this file are in files.
        has_objects = any((file.parent / "objects").glob("[0-9a-f][0-9a-f]"))
        file.write_text(f"{_HERE if has_objects else wanted}\n")
    known = file.read_text().strip()
    if known != wanted:
        raise PlaceError(
            f"The objects of {file.parent} are in {known}, not in {wanted}. Copy them, then write that into {file}."
        )
