"""The zip: the same bytes for the same code, and never one that Lambda would refuse."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from stoker.cli import archive
from stoker.cli.archive import pack
from stoker.cli.failures import CliError
from stoker.cli.source import SourceFile


def source_file(folder: Path, name: str, content: bytes = b"x", *, executable: bool = False) -> SourceFile:
    path = folder / name
    path.write_bytes(content)
    return SourceFile(name=name, path=path, executable=executable)


def test_the_same_code_gives_the_same_bytes_whatever_its_times_order_and_umask(tmp_path: Path) -> None:
    files = [source_file(tmp_path, "a.py"), source_file(tmp_path, "b.py")]
    first = pack(files)
    os.utime(files[0].path, (1, 1))
    files[1].path.chmod(0o600)
    assert pack(files[::-1]) == first


def test_other_code_gives_other_bytes(tmp_path: Path) -> None:
    assert pack([source_file(tmp_path, "a.py", b"1")]) != pack([source_file(tmp_path, "a.py", b"2")])


def test_an_executable_stays_one_and_everything_can_be_read(tmp_path: Path) -> None:
    data = pack([source_file(tmp_path, "bootstrap", executable=True), source_file(tmp_path, "lib.sh")])
    modes = {
        entry.filename: entry.external_attr >> 16 & 0o777 for entry in zipfile.ZipFile(io.BytesIO(data)).infolist()
    }
    assert modes == {"bootstrap": 0o755, "lib.sh": 0o644}


def test_a_package_over_50_mb_is_refused_naming_the_limit_and_the_largest_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ZIPPED_LIMIT_BYTES", 1000)
    files = [source_file(tmp_path, "app.py"), source_file(tmp_path, "model.bin", os.urandom(2000))]
    with pytest.raises(CliError, match=r"at most .* in an upload .*largest file is model\.bin"):
        pack(files)


def test_code_over_250_mb_unzipped_is_refused_before_it_is_read(tmp_path: Path) -> None:
    big = tmp_path / "zeros.bin"
    with open(big, "wb") as file:
        file.truncate(archive.UNZIPPED_LIMIT_BYTES + 1)
    with pytest.raises(CliError, match=r"at most 250\.0 MB"):
        pack([SourceFile(name="zeros.bin", path=big, executable=False)])
