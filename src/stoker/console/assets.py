"""Styles and scripts: under an address that changes with them, so that browsers keep them."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file."""

    media_type: str
    content: bytes

    @cached_property
    def packed(self) -> bytes:
        """The file with gzip, which takes up to 50 ms the first time: for threads."""
        return gzip.compress(self.content, 9, mtime=0)


class Assets:
    """All of them. Reads them when it is made: in a thread."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._assets: Mapping[str, Asset] = {
            str(path.relative_to(folder)): _read(path) for path in sorted(folder.rglob("*")) if path.suffix in _TYPES
        }
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            digest.update(name.encode() + b"\0" + asset.content)
        # One for all: modules find each other by relative addresses.
        self.version = digest.hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<Assets {self.version}: {len(self._assets)}>"

    @property
    def names(self) -> list[str]:
        return list(self._assets)

    def get(self, name: str) -> Asset | None:
        return self._assets.get(name)


def _read(path: Path) -> Asset:
    return Asset(media_type=_TYPES[path.suffix], content=path.read_bytes())
