"""Where Stoker keeps things on this machine when nobody says otherwise (XDG base directories)."""

from collections.abc import Mapping
from pathlib import Path

SYSTEM_DATA = Path("/var/lib/stoker")


def data_directory(environ: Mapping[str, str], *, uid: int, home: Path) -> Path:
    """The server's state: /var/lib/stoker as root, else under $XDG_DATA_HOME or ~/.local/share."""
    if uid == 0:
        return SYSTEM_DATA
    return _xdg(environ, "XDG_DATA_HOME", home / ".local" / "share") / "stoker"


def cache_directory(environ: Mapping[str, str], *, home: Path) -> Path:
    """What can be made again, such as installed dependencies."""
    return _xdg(environ, "XDG_CACHE_HOME", home / ".cache") / "stoker"


def _xdg(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    # The specification says that a relative path is invalid and has to be ignored.
    value = environ.get(variable, "")
    return Path(value) if value.startswith("/") else default
