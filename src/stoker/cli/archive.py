"""The zip of a function: the same bytes for the same files, whenever and wherever it is made."""

import io
import stat
import zipfile
from collections.abc import Callable, Sequence

from stoker.cli.failures import CliError
from stoker.cli.source import SourceFile

# AWS's quotas for a package (Lambda quotas, "Deployment package (.zip file archive) size").
ZIPPED_LIMIT_BYTES = 52_428_800
UNZIPPED_LIMIT_BYTES = 262_144_000

# The earliest moment that a zip can hold; the real one would change the digest of unchanged code.
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
# For Pillow's 22 MB: a third of the time of zlib's own choice, 6, for 2 % more bytes.
_COMPRESSION = 4


def unzipped_size(files: Sequence[SourceFile]) -> int:
    """What the files take together, in bytes."""
    return sum(file.path.stat().st_size for file in files)


def pack(files: Sequence[SourceFile], progress: Callable[[int], None] = lambda _size: None) -> bytes:
    """A zip of the files, sorted by name. `progress` hears the size of each file that is in.

    Of the modes only the owner's execute bit stays: the rest is the umask of whoever wrote the file, and a function
    runs as a user who has to be able to read its code. Raises CliError when the package breaks a quota.
    """
    _check_unzipped(unzipped_size(files))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files, key=lambda file: file.name):
            content = file.path.read_bytes()
            archive.writestr(_entry(file), content, compresslevel=_COMPRESSION)
            progress(len(content))
    data = buffer.getvalue()
    if len(data) > ZIPPED_LIMIT_BYTES:
        raise CliError(
            f"The package is {_mib(len(data))} zipped; Lambda takes at most {_mib(ZIPPED_LIMIT_BYTES)} in an upload "
            f"({ZIPPED_LIMIT_BYTES:,} bytes). {_advice(files)}"
        )
    return data


def _entry(file: SourceFile) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(file.name, date_time=_FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, whichever machine packs: only then do readers look at the mode.
    entry.external_attr = (stat.S_IFREG | (0o755 if file.executable else 0o644)) << 16
    return entry


def _check_unzipped(size: int) -> None:
    if size > UNZIPPED_LIMIT_BYTES:
        raise CliError(
            f"The code is {_mib(size)} unzipped; Lambda takes at most {_mib(UNZIPPED_LIMIT_BYTES)}, layers included "
            f"({UNZIPPED_LIMIT_BYTES:,} bytes). Leave out what it doesn't need with .stokerignore."
        )


def _advice(files: Sequence[SourceFile]) -> str:
    largest = max(files, key=lambda file: file.path.stat().st_size)
    return (
        f"The largest file is {largest.name}, {_mib(largest.path.stat().st_size)}: "
        "put what is large into a layer, or leave it out with .stokerignore."
    )


def _mib(size: int) -> str:
    return f"{size / 1_048_576:.1f} MB"
