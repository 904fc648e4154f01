"""Zips, good and hostile."""

import io
import os
import stat
import struct
import time
import zipfile
from pathlib import Path

import pytest

from fakes.zips import entry, zip_of
from stoker.functions import packages
from stoker.functions.packages import BadPackageError, PackageTooLargeError, inspect, merge, unpack
from stoker.model.errors import InvalidParameterValueException

NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def unpacked(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "package.zip").write_bytes(data)
    root = tmp_path / "root"
    root.mkdir()
    unpack(tmp_path / "package.zip", root)
    return root


def single(info: zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, content)
    return buffer.getvalue()


def test_a_package_is_known_by_its_hash_and_sizes() -> None:
    data = zip_of({"a": "12345", "b/c": "678"})
    package = inspect(data)
    assert (package.size, package.unzipped_size, len(package.digest)) == (len(data), 8, 64)


@pytest.mark.parametrize("data", [b"no zip at all", zip_of()[:-10], b"PK\x03\x04", bytes(1000)])
def test_what_is_no_zip_is_refused_in_awss_words(data: bytes) -> None:
    with pytest.raises(InvalidParameterValueException) as refused:
        inspect(data)
    assert refused.value.message == NOT_A_ZIP


@pytest.mark.parametrize("data", [b"", zip_of({})])
def test_an_empty_zip_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidParameterValueException) as refused:
        inspect(data)
    assert refused.value.message == "Uploaded file must be a non-empty zip"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a/..", "x" * 256, "/".join(["d"] * 2000)])
def test_a_name_that_leads_out_or_nowhere_is_refused(name: str) -> None:
    with pytest.raises(BadPackageError) as refused:
        inspect(zip_of({name: "x"}))
    assert refused.value.message.startswith(NOT_A_ZIP)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("link", "/etc/passwd"),
        ("link", "../x"),
        ("a/link", "../../x"),
        ("a/link", "b/../../.."),
        ("p/q/link", "../../../x"),
        ("link", "a/.."),
        ("link", ""),
        ("link", "x" * 4000),
    ],
)
def test_a_link_out_of_the_package_is_refused(path: str, target: str) -> None:
    with pytest.raises(BadPackageError):
        inspect(zip_of(links={path: target}))


def test_links_within_the_package_are_kept(tmp_path: Path) -> None:
    root = unpacked(tmp_path, zip_of({"lib/real.js": "ok"}, {"bin/run": "../lib/real.js", "current": "lib"}))
    assert (root / "bin/run").is_symlink()
    assert (root / "bin/run").read_text() == (root / "current/real.js").read_text() == "ok"


@pytest.mark.parametrize("below", ["link/x", "link/deep/x"])
def test_nothing_is_written_through_a_link_or_a_file(below: str) -> None:
    for data in (zip_of({below: "x"}, {"link": "lib"}), zip_of({"link": "file", below: "x"})):
        with pytest.raises(BadPackageError):
            inspect(data)


def test_of_two_files_with_one_name_the_last_wins(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a/x", "first")
        archive.writestr("a//x", "other spelling")
        archive.writestr("a/x", "last")
    assert (unpacked(tmp_path, buffer.getvalue()) / "a/x").read_text() == "last"


def test_an_encrypted_member_is_refused() -> None:
    data = bytearray(zip_of({"a": "b"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(BadPackageError, match="encrypted"):
        inspect(bytes(data))


def test_a_bomb_is_refused_by_what_it_says_of_itself() -> None:
    with pytest.raises(PackageTooLargeError) as refused:
        inspect(zip_of({"a": bytes(200_000_000), "b": bytes(62_144_001)}))
    assert refused.value.message == "Unzipped size must be smaller than 262144000 bytes"


def test_a_bomb_that_lies_about_itself_is_stopped_while_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "MAX_UNZIPPED_BYTES", 1_000_000)
    with pytest.raises(PackageTooLargeError):
        unpacked(tmp_path, zip_of({"a": bytes(900_000), "b": bytes(900_000)}))
    assert sum(path.stat().st_size for path in (tmp_path / "root").iterdir()) <= 1_000_000


def test_a_member_that_holds_more_than_it_says_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a": bytes(5_000_000)}))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    assert inspect(bytes(data)).unzipped_size == 10
    with pytest.raises(BadPackageError):
        unpacked(tmp_path, bytes(data))


def test_a_package_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_PACKAGE_ENTRIES", 3)
    inspect(zip_of({str(number): "" for number in range(3)}))
    with pytest.raises(BadPackageError, match="4 entries"):
        inspect(zip_of({str(number): "" for number in range(4)}))


def test_directories_that_only_names_tell_of_count_as_files_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_PACKAGE_ENTRIES", 6)
    inspect(zip_of({"a/b/1": "", "a/b/2": "", "a/c/3": ""}))
    with pytest.raises(BadPackageError, match="more directories and entries than the 6"):
        inspect(zip_of({"a/b/1": "", "b/b/2": "", "c/c/3": ""}))


def test_a_package_that_is_too_deep_to_be_removed_again_is_refused() -> None:
    inspect(zip_of({"a/" * 255 + "f": ""}))
    with pytest.raises(BadPackageError, match="deeper than 256"):
        inspect(zip_of({"a/" * 256 + "f": ""}))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (stat.S_IFREG | 0o600, 0o644),
        (stat.S_IFREG | 0o700, 0o755),
        (stat.S_IFREG | 0o6777, 0o755),
        (stat.S_IFCHR | 0o666, 0o644),
        (stat.S_IFIFO | 0o644, 0o644),
        (0, 0o644),
    ],
)
def test_only_the_executable_bit_of_a_mode_is_kept(tmp_path: Path, mode: int, expected: int) -> None:
    found = (unpacked(tmp_path, single(entry("x", mode))) / "x").lstat()
    assert stat.S_ISREG(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == expected


def test_directories_can_be_read_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        root = unpacked(tmp_path, zip_of({"a/b/c": "x"}))
    finally:
        os.umask(old)
    modes = {path: stat.S_IMODE((root / path).stat().st_mode) for path in ("a", "a/b", "a/b/c")}
    assert modes == {"a": 0o755, "a/b": 0o755, "a/b/c": 0o644}


def test_files_have_the_time_that_the_zip_says(tmp_path: Path) -> None:
    local = entry("local", 0o644)
    exact = entry("exact", 0o644)
    exact.extra = struct.pack("<HHBi", 0x5455, 5, 1, 1_700_000_001)
    assert packages.modified_at(local) == time.mktime((2024, 5, 6, 7, 8, 10, 0, 0, -1))
    root = unpacked(tmp_path, single(exact))
    assert (root / "exact").stat().st_mtime == 1_700_000_001


def test_names_of_every_language_are_kept(tmp_path: Path) -> None:
    root = unpacked(tmp_path, zip_of({"módulo/関数.py": "ok"}))
    assert (root / "módulo/関数.py").read_text() == "ok"


def test_a_later_layer_replaces_files_links_and_directories(tmp_path: Path) -> None:
    lower, upper, target = (tmp_path / name for name in ("lower", "upper", "target"))
    for path in (lower / "file_to_dir", upper / "dir_to_file", upper / "link_to_dir/x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (lower / "dir_to_file").mkdir()
    (lower / "dir_to_file/x").write_text("gone")
    (lower / "link_to_dir").symlink_to("elsewhere")
    (upper / "file_to_dir").mkdir()
    (upper / "link").symlink_to("dir_to_file")
    target.mkdir()
    merge(lower, target)
    merge(upper, target)
    assert (target / "dir_to_file").read_text() == (target / "link").read_text() == "x"
    assert (target / "file_to_dir").is_dir()
    assert not (target / "link_to_dir").is_symlink()
    assert (lower / "dir_to_file/x").exists()
