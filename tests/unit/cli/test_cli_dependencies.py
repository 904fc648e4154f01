"""Dependencies: what asks for them, what is kept, and what is said when an installer fails."""

import os
import sys
from pathlib import Path

import pytest

from stoker.cli import npm, pip
from stoker.cli.dependencies import Dependencies, find_dependencies, vendor
from stoker.cli.failures import CliError
from stoker.cli.installers import run_tool
from stoker.cli.source import read_source
from stoker.model.runtime import Runtime

RUNTIME = Runtime(name="python3.11", kind="python", executable=Path(sys.executable), full_version="3.11.7")


def key_of(folder: Path, runtime: Runtime = RUNTIME) -> str | None:
    found = find_dependencies(read_source(folder), "python", runtime.name, runtime)
    return found.key if found else None


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


@pytest.mark.parametrize("text", ["", "# nothing yet\n\n"])
def test_an_empty_list_asks_for_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, requirements_txt=text)
    assert key_of(tmp_path) is None


def test_the_kept_outcome_depends_on_the_lists_and_the_interpreter(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="-r more.txt\n", more_txt="pillow==11\n")
    first = key_of(tmp_path)
    assert first == key_of(tmp_path)
    other = Runtime(name="python3.12", kind="python", executable=None, full_version="3.12.1")
    assert key_of(tmp_path, other) != first
    write(tmp_path, more_txt="pillow==12\n")
    assert key_of(tmp_path) != first


@pytest.mark.parametrize("line", ["-e .", "./lib", "lib @ file:///srv/lib"])
def test_a_list_that_leads_to_a_local_folder_is_never_taken_from_the_cache(tmp_path: Path, line: str) -> None:
    write(tmp_path, requirements_txt=line)
    assert key_of(tmp_path) != key_of(tmp_path)


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="-r gone.txt")
    with pytest.raises(CliError, match=r"gone\.txt is not there"):
        key_of(tmp_path)


def test_a_second_deployment_installs_nothing(tmp_path: Path) -> None:
    installed = []

    def install(place: Path) -> None:
        installed.append(place)
        (place / "lib.py").write_text("")
        (place / "bin").mkdir()
        (place / "bin" / "tool").write_text("")

    dependencies = Dependencies(tool="pip", key="k", install=install)
    first, second = vendor(dependencies, tmp_path), vendor(dependencies, tmp_path)
    assert [file.name for file in first] == ["lib.py"]
    assert first == second and len(installed) == 1


def test_an_installation_that_fails_leaves_nothing_to_be_taken_for_one(tmp_path: Path) -> None:
    def fail(place: Path) -> None:
        (place / "half").write_text("")
        raise CliError("no network")

    with pytest.raises(CliError):
        vendor(Dependencies(tool="pip", key="k", install=fail), tmp_path)
    assert list((tmp_path / "dependencies").iterdir()) == []


def test_what_nobody_used_for_a_month_is_forgotten(tmp_path: Path) -> None:
    def install(place: Path) -> None:
        (place / "lib.py").write_text("")

    vendor(Dependencies(tool="pip", key="old", install=install), tmp_path)
    os.utime(tmp_path / "dependencies" / "old", (1, 1))
    vendor(Dependencies(tool="pip", key="new", install=install), tmp_path)
    assert [entry.name for entry in (tmp_path / "dependencies").iterdir()] == ["new"]


def test_an_installer_that_fails_is_heard(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('ERROR: no such package'); raise SystemExit(3)"]
    with pytest.raises(CliError, match=r"exit status 3\). It said:\nERROR: no such package"):
        run_tool("pip", command, tmp_path)


def test_pip_installs_for_the_runtimes_own_interpreter_compiled_ahead(tmp_path: Path) -> None:
    package = tmp_path / "lib"
    package.mkdir()
    # setuptools and wheel would have to be fetched; a wheel is only a zip with three files that say so.
    write_wheel(package / "lib-1.0-py3-none-any.whl")
    write(tmp_path, requirements_txt="./lib/lib-1.0-py3-none-any.whl")
    dependencies = find_dependencies(read_source(tmp_path), "python", RUNTIME.name, RUNTIME)
    assert dependencies is not None
    names = [file.name for file in vendor(dependencies, tmp_path / "cache")]
    assert "lib.py" in names
    assert f"__pycache__/lib.cpython-{sys.version_info[0]}{sys.version_info[1]}.pyc" in names


def test_npm_has_nothing_to_do_without_dependencies(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module", "devDependencies": {"jest": "*"}}')
    assert npm.read_package(tmp_path) is None


def test_a_lock_makes_npm_install_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"a": "1"}}')
    assert not npm.read_package(tmp_path).locked  # type: ignore[union-attr]
    (tmp_path / "package-lock.json").write_text("{}")
    assert npm.read_package(tmp_path).locked  # type: ignore[union-attr]


def test_packages_named_by_their_path_are_left_to_their_owner(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"a": "file:../a"}}')
    with pytest.raises(CliError, match="npm install"):
        npm.read_package(tmp_path)
    (tmp_path / "node_modules").mkdir()
    assert npm.read_package(tmp_path) is None


def test_a_broken_package_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("[]")
    with pytest.raises(CliError, match=r"package\.json is no JSON object"):
        npm.read_package(tmp_path)


def test_a_url_in_a_list_is_not_taken_for_a_file(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="-c https://example.org/constraints.txt\npillow\n")
    assert pip.read_requirements(tmp_path) is not None


def write_wheel(path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("lib.py", "ANSWER = 42\n")
        wheel.writestr("lib-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lib\nVersion: 1.0\n")
        wheel.writestr("lib-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("lib-1.0.dist-info/RECORD", "")
