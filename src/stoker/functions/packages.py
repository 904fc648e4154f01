"""Deployment packages: a zip checked before it is accepted, and unpacked so that nothing leads out of it.

Checking reads the zip's directory and its links and is cheap; unpacking trusts none of the sizes it read there.
"""

import hashlib
import io
import os
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from stoker.model.errors import InvalidParameterValueException
from stoker.model.limits import MAX_PACKAGE_ENTRIES, MAX_UNZIPPED_BYTES

_CHUNK_BYTES = 1 << 20
# Linux: NAME_MAX and PATH_MAX less the room for /var/task or the directory it is unpacked to.
_MAX_NAME_BYTES = 255
_MAX_PATH_BYTES = 3_500
# Removing a tree takes a descriptor a level, and laying layers over each other a call.
_MAX_DEPTH = 256
_ENCRYPTED_FLAG = 0x1
_UNIX = 3
# Info-ZIP's "extended timestamp" extra field: a flag byte, then the modification time in UTC seconds.
_EXTENDED_TIMESTAMP = 0x5455
# What zipfile and its decompressors raise for bytes that are no (readable) zip.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class BadPackageError(InvalidParameterValueException):
    """Could not unzip uploaded file. Please check your file, then try to upload again."""

    def __init__(self, reason: str = "") -> None:
        text = (BadPackageError.__doc__ or "").strip()
        super().__init__(f"{text} {reason}".strip())


class PackageTooLargeError(InvalidParameterValueException):
    """Unzipped size must be smaller than 262144000 bytes"""


@dataclass(frozen=True, kw_only=True)
class Package:
    """An accepted zip: the hex SHA-256 of its bytes, their number, and the bytes its files say they have."""

    digest: str
    size: int
    unzipped_size: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One member to unpack, at `path` below the package's root. `link` is a symbolic link's target."""

    info: zipfile.ZipInfo
    path: PurePosixPath
    is_directory: bool
    link: str | None

    @property
    def mode(self) -> int:
        return 0o755 if self.is_directory or self.info.external_attr >> 16 & 0o111 else 0o644


def inspect(data: bytes) -> Package:
    """Accept a zip, or raise InvalidParameterValueException with AWS's text. Blocks for the hash of `data`."""
    if not data:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            plan(archive)
            unzipped = sum(info.file_size for info in archive.infolist())
    except _UNREADABLE as error:
        raise BadPackageError from error
    if unzipped > MAX_UNZIPPED_BYTES:
        raise PackageTooLargeError
    return Package(digest=hashlib.sha256(data).hexdigest(), size=len(data), unzipped_size=unzipped)


def plan(archive: zipfile.ZipFile) -> Mapping[PurePosixPath, Entry]:
    """What to write where; of several members with one name the last one wins, as with `unzip -o`."""
    infos = archive.infolist()
    if not infos:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    if len(infos) > MAX_PACKAGE_ENTRIES:
        raise BadPackageError(f"It has {len(infos)} entries; {MAX_PACKAGE_ENTRIES} are allowed.")
    entries = {entry.path: entry for entry in (_entry(archive, info) for info in infos) if entry.path.parts}
    _check_directories(entries)
    return entries


def _check_directories(entries: Mapping[PurePosixPath, Entry]) -> None:
    """Nothing is below what is no directory, and directories that are made on the way count as entries too."""
    unlisted: set[PurePosixPath] = set()
    for path in entries:
        for parent in path.parents:
            if parent in unlisted:
                break
            above = entries.get(parent)
            if above is None:
                unlisted.add(parent)
            elif not above.is_directory:
                raise BadPackageError(f"Entry {path} is below {parent}, which is no directory.")
        if len(entries) + len(unlisted) > MAX_PACKAGE_ENTRIES + 1:
            raise BadPackageError(f"It has more directories and entries than the {MAX_PACKAGE_ENTRIES} allowed.")


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    path = _safe_path(info.filename)
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise BadPackageError(f"Entry {path} is encrypted.")
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    link = None
    if stat.S_ISLNK(mode):
        link = _safe_link(path, _link_target(archive, info))
    # Devices, pipes and sockets become ordinary files, and set-user-id bits are dropped: see Entry.mode.
    return Entry(info=info, path=path, is_directory=info.is_dir(), link=link)


def _safe_path(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BadPackageError(f"Entry {name} leads out of the package.")
    if len(os.fsencode(name)) > _MAX_PATH_BYTES or any(len(os.fsencode(p)) > _MAX_NAME_BYTES for p in path.parts):
        raise BadPackageError(f"Entry {name[:100]}… has too long a name.")
    if len(path.parts) > _MAX_DEPTH:
        raise BadPackageError(f"Entry {name[:100]}… is deeper than {_MAX_DEPTH} directories.")
    return path


def _link_target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    with archive.open(info) as member:
        target = member.read(_MAX_PATH_BYTES + 1)
    if len(target) > _MAX_PATH_BYTES or b"\0" in target or not target:
        raise BadPackageError(f"Entry {info.filename} is a link to nowhere.")
    return os.fsdecode(target)


def _safe_link(path: PurePosixPath, target: str) -> str:
    """A target that cannot lead out, whatever other links are in the package.

    Only leading `..` are allowed, and no more than the link is deep. They are taken from the link's own directory,
    which is a real one since nothing may lie below a link; every later step goes down or through another such link.
    """
    parts = PurePosixPath(target).parts
    up = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    if target.startswith("/") or ".." in parts[up:] or up > len(path.parts) - 1:
        raise BadPackageError(f"Entry {path} is a link out of the package: {target}")
    return target


def unpack(zip_path: Path, target: Path) -> None:
    """Unpack into the empty directory `target`; raises BadPackageError or PackageTooLargeError. Blocks.

    Directories get mode 755, files 755 or 644 by their executable bit, and the zip's times: a .pyc is valid only for
    its source's time.
    """
    try:
        with zipfile.ZipFile(zip_path) as archive:
            left = MAX_UNZIPPED_BYTES
            for entry in plan(archive).values():
                left -= _write(archive, entry, target / entry.path, left)
    except InvalidParameterValueException:
        raise
    except _UNREADABLE as error:
        raise BadPackageError(str(error)) from error


def _write(archive: zipfile.ZipFile, entry: Entry, path: Path, allowed: int) -> int:
    """Write one entry; the number of bytes that it took."""
    if entry.is_directory:
        _make_directory(path)
        return 0
    _make_directory(path.parent)
    if entry.link is not None:
        path.symlink_to(entry.link)
        return len(entry.link)
    with archive.open(entry.info) as member, path.open("xb") as file:
        written = _copy(member, file, allowed)
    path.chmod(entry.mode)
    modified = modified_at(entry.info)
    os.utime(path, (modified, modified))
    return written


def _make_directory(path: Path) -> None:
    """A directory that everybody may read: chmod, unlike mkdir, does not heed the umask."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir()
        path.chmod(0o755)


def _copy(source: IO[bytes], target: IO[bytes], allowed: int) -> int:
    written = 0
    while chunk := source.read(_CHUNK_BYTES):
        written += len(chunk)
        if written > allowed:
            raise PackageTooLargeError
        target.write(chunk)
    return written


def modified_at(info: zipfile.ZipInfo) -> float:
    """Seconds since the epoch: the exact time if the zip has it, else its local time in steps of two seconds."""
    for kind, data in _extra_fields(info.extra):
        if kind == _EXTENDED_TIMESTAMP and len(data) >= 5 and data[0] & 1:
            return float(struct.unpack_from("<i", data, 1)[0])
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return 0.0


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        yield kind, extra[4 : 4 + size]
        extra = extra[4 + size :]


def merge(layer: Path, target: Path) -> None:
    """Lay an unpacked layer over `target`: what has the same path is replaced. Files are shared by hard links. Blocks.

    A directory of `layer` is always a real directory afterwards, so the reasoning of `_safe_link` holds for the
    whole; only directories are merged.
    """
    for source in layer.iterdir():
        place = target / source.name
        if source.is_dir() and not source.is_symlink():
            if place.is_symlink() or not place.is_dir():
                place.unlink(missing_ok=True)
                _make_directory(place)
            merge(source, place)
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        os.link(source, place, follow_symlinks=False)
