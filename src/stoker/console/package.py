"""A function's code as files: out of its zip, and changed ones into a new zip. Pure, and slow: for threads."""

import io
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stoker.console.visit import InputError

# What is worth showing in an editor, and what the page that shows it should hold.
MOST_TEXT = 256 * 1024
MOST_TEXTS = 2 * 1024 * 1024
# What is put together anew here in one go.
MOST_UNPACKED = 64 * 1024 * 1024
MOST_PATH = 255


@dataclass(frozen=True, kw_only=True)
class CodeFile:
    """One file. `text` is None for what is no text or too long to edit."""

    path: str
    size: int
    text: str | None


def files_of(package: bytes) -> list[CodeFile]:
    """The files of a zip in the order of their names, the texts of the first ones among them."""
    found, room = [], MOST_TEXTS
    with _open(package) as archive:
        for info in sorted(archive.infolist(), key=lambda info: (info.filename.count("/"), info.filename)):
            if info.is_dir():
                continue
            text = _text(archive, info) if info.file_size <= min(MOST_TEXT, room) else None
            room -= len(text or "")
            found.append(CodeFile(path=info.filename, size=info.file_size, text=text))
    return found


def changed(package: bytes, texts: Mapping[str, str], removed: Iterable[str] = ()) -> bytes:
    """The zip with these texts in place of, or besides, what is there. Raises InputError."""
    gone, buffer = set(removed) | set(texts), io.BytesIO()
    for path in texts:
        check_path(path)
    with _open(package) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        if sum(info.file_size for info in archive.infolist()) > MOST_UNPACKED:
            raise InputError("This code is too large to be put together here: deploy it with `stoker deploy`.")
        modes = {info.filename: info.external_attr for info in archive.infolist()}
        for info in archive.infolist():
            if info.filename not in gone:
                made.writestr(info, archive.read(info))
        for path, text in texts.items():
            made.writestr(_entry(path, modes.get(path)), text)
        if not made.namelist():
            raise InputError("A function needs a file at least.")
    return buffer.getvalue()


def new(texts: Mapping[str, str]) -> bytes:
    """A zip with these texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for path, text in texts.items():
            made.writestr(_entry(path, None), text)
    return buffer.getvalue()


def check_path(path: str) -> None:
    """Raises InputError for what is no file's name below the function's folder."""
    parts = path.split("/")
    if (
        len(path) > MOST_PATH
        or not path.isprintable()
        or "\\" in path
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise InputError(f"{path!r} is no name for a file of a function: use names like app.py or lib/words.py.")


def _open(package: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(package))
    except zipfile.BadZipFile:
        raise InputError("The code of this function is no zip.") from None


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    try:
        text = archive.read(info).decode()
    except (UnicodeDecodeError, RuntimeError, zipfile.BadZipFile):
        return None
    return None if "\0" in text else text


def _entry(path: str, attributes: int | None) -> zipfile.ZipInfo:
    """A file that its owner may change and everybody read, or with the rights that it had."""
    entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    executable = path.rpartition("/")[2] == "bootstrap"
    mode = stat.S_IFREG | (0o755 if executable else 0o644)
    entry.external_attr = attributes if attributes is not None else mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
