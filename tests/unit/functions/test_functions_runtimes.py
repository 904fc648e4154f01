"""Which runtimes a machine is found to have."""

import stat
import sys
from pathlib import Path

import pytest

from stoker.functions import runtimes
from stoker.functions.runtimes import RuntimeCatalogue, SearchPlaces, probe_python
from stoker.model.errors import InvalidParameterValueException


def program(path: Path, *lines: str) -> Path:
    """An executable that prints these lines, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def python(path: Path, version: str, release: str = "final") -> Path:
    return program(path, version, str(path.parent.parent), release)


def found(tmp_path: Path, *directories: str) -> RuntimeCatalogue:
    places = SearchPlaces(pyenv=tmp_path / "pyenv", directories=[tmp_path / name for name in directories])
    return RuntimeCatalogue.discover(places)


def names(catalogue: RuntimeCatalogue) -> list[str]:
    return [runtime.name for runtime in catalogue.all()]


def test_pythons_of_pyenv_and_the_path_are_found_and_sorted(tmp_path: Path) -> None:
    python(tmp_path / "pyenv/3.13.0/bin/python3", "3.13.0")
    python(tmp_path / "pyenv/3.9.18/bin/python3", "3.9.18")
    python(tmp_path / "bin/python3.10", "3.10.13")
    program(tmp_path / "bin/node", "v20.20.2")
    program(tmp_path / "odd/node", "v21.1.0")
    assert names(found(tmp_path, "bin", "odd")) == [
        *("python3.9", "python3.10", "python3.13"),
        *("nodejs20.x", "nodejs21.x", "provided.al2", "provided.al2023"),
    ]


def test_of_two_patch_versions_the_higher_one_is_taken(tmp_path: Path) -> None:
    python(tmp_path / "pyenv/3.11.7/bin/python3", "3.11.7")
    best = python(tmp_path / "pyenv/3.11.10/bin/python3", "3.11.10")
    runtime = found(tmp_path).get("python3.11")
    assert runtime is not None
    assert (runtime.executable, runtime.full_version) == (best, "3.11.10")


def test_what_does_not_work_is_old_or_a_preview_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "PROBE_TIMEOUT_S", 0.2)
    python(tmp_path / "pyenv/3.8.18/bin/python3", "3.8.18")
    python(tmp_path / "pyenv/3.15/bin/python3", "3.15.0rc1", "candidate")
    program(tmp_path / "pyenv/silent/bin/python3")
    hanging = program(tmp_path / "pyenv/hanging/bin/python3")
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    (tmp_path / "pyenv/broken/bin").mkdir(parents=True)
    (tmp_path / "pyenv/broken/bin/python3").symlink_to("nowhere")
    assert names(found(tmp_path)) == ["provided.al2", "provided.al2023"]


def test_pyenvs_shims_are_not_taken_for_interpreters(tmp_path: Path) -> None:
    python(tmp_path / "shims/python3", "3.11.1")
    assert found(tmp_path, "shims").get("python3.11") is None


def test_a_sandbox_is_shown_the_real_installation_behind_a_link(tmp_path: Path) -> None:
    real = python(tmp_path / "opt/python/bin/python3.12", "3.12.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(real)
    runtime = found(tmp_path, "bin").get("python3.12")
    assert runtime is not None
    assert (runtime.executable, runtime.roots) == (real, (tmp_path / "opt/python",))


def test_a_node_that_was_unpacked_anywhere_shows_only_its_own_directory(tmp_path: Path) -> None:
    program(tmp_path / "home/node", "v22.0.0")
    runtime = found(tmp_path, "home").get("nodejs22.x")
    assert runtime is not None
    assert runtime.roots == (tmp_path / "home",)


def test_the_python_that_runs_this_is_found() -> None:
    runtime = probe_python(Path(sys.executable).resolve())
    assert runtime is not None
    assert runtime.name == f"python3.{sys.version_info.minor}"
    assert runtime.full_version == ".".join(map(str, sys.version_info[:3]))
    assert all(not root.is_relative_to("/usr") and root.is_dir() for root in runtime.roots)


def test_a_missing_runtime_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterValueException, match=r"\[provided.al2, provided.al2023\].*pyenv install 3.14"):
        found(tmp_path).require("python3.14")


def test_a_directory_that_may_not_be_looked_into_holds_no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = RuntimeCatalogue.discover(SearchPlaces(pyenv=Path("/closed"), directories=[Path("/closed")]))
    assert {runtime.kind for runtime in found.all()} == {"provided"}
