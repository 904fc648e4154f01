"""What the pages read of the code: its modules, and texts that stand in it."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType

import stoker

ROOT = Path(stoker.__file__).parent


def modules(pattern: str) -> Iterator[ModuleType]:
    """The modules whose files' names fit, imported."""
    for path in sorted(ROOT.rglob(pattern)):
        yield importlib.import_module(".".join(("stoker", *path.relative_to(ROOT).with_suffix("").parts)))


def calls(function: str) -> Iterator[tuple[str, ast.Call, Mapping[str, str]]]:
    """Every call of a function by this name, with the module that it stands in as a path below `stoker`, and the texts
    that have names there.
    """
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text()
        if function not in text:
            continue
        nodes = list(ast.walk(ast.parse(text)))
        named = {
            target.id: node.value.value
            for node in nodes
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                yield str(path.relative_to(ROOT)), node, named


def text_of(node: ast.expr, named: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """A text that stands in the code; what is put into it only when it runs is an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return named.get(node.id)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)
    return None


def cell(text: object) -> str:
    """In a table, where a bar ends a cell."""
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
