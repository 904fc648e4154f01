"""Deployment packages for tests, good and bad."""

import io
import stat
import zipfile
from collections.abc import Mapping

HELLO = "def handler(event, context):\n    return 'hello'\n"


def zip_of(
    files: Mapping[str, str | bytes] | None = None,
    links: Mapping[str, str] | None = None,
    programs: Mapping[str, str] | None = None,
) -> bytes:
    """A zip with these files (mode 644), symbolic links and programs (755); a hello handler if nothing is said."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ({"app.py": HELLO} if files is None and links is None else files or {}).items():
            archive.writestr(entry(name, 0o644 | stat.S_IFREG), content)
        for name, target in (links or {}).items():
            archive.writestr(entry(name, 0o777 | stat.S_IFLNK), target)
        for name, content in (programs or {}).items():
            archive.writestr(entry(name, 0o755 | stat.S_IFREG), content)
    return buffer.getvalue()


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    """A member's header as a zip made on Unix has it."""
    info = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
