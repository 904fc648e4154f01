"""The modules that CPython 3.9 reads in a zygote keep to its syntax and start quickly."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stoker.linux

MODULES = ("syscalls", "mounts", "namespaces", "credentials", "seccomp", "cgroup_entry")
QUICK = {"__future__", "collections.abc", "contextlib", "ctypes", "errno", "os", "resource", "struct", "stoker.linux"}
FOLDER = Path(stoker.linux.__file__).parent


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("module", MODULES)
def test_it_is_python_3_9_and_imports_nothing_slow(module: str) -> None:
    tree = ast.parse((FOLDER / f"{module}.py").read_text(), feature_version=(3, 9))
    assert imported(tree) <= QUICK


def test_the_modules_load_without_the_rest_of_the_package(tmp_path: Path) -> None:
    package = tmp_path / "stoker" / "linux"
    package.mkdir(parents=True)
    (tmp_path / "stoker" / "__init__.py").touch()
    for name in ("__init__", *MODULES):
        (package / f"{name}.py").write_text((FOLDER / f"{name}.py").read_text())
    lines = [f"import sys; sys.path.insert(0, {str(tmp_path)!r})", *[f"import stoker.linux.{name}" for name in MODULES]]
    subprocess.run([sys.executable, "-I", "-c", "\n".join(lines)], check=True)
