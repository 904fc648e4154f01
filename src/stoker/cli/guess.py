"""What kind of code a source is, and which function in it handles events, when nobody says."""

import ast
import re
from collections.abc import Iterable, Sequence

from stoker.cli.failures import CliError
from stoker.cli.source import Source, SourceFile
from stoker.model.runtime import Runtime

# The names that AWS's console, SAM, the framework documentations and most tutorials use, the likeliest first.
_PYTHON_FILES = ("lambda_function", "app", "main", "index", "handler")
_NODE_FILES = ("index", "app", "main", "handler")
_HANDLERS = ("lambda_handler", "handler")
_NODE_SUFFIXES = (".mjs", ".js", ".cjs")

_NODE_EXPORTS = (
    re.compile(r"\bexports\.(\w+)\s*="),
    re.compile(r"\bexport\s+(?:const|let|var|async\s+function|function)\s*\*?\s*(\w+)"),
)
_NODE_EXPORT_LISTS = (
    re.compile(r"\bmodule\.exports\s*=\s*\{([^}]*)\}"),
    re.compile(r"\bexport\s*\{([^}]*)\}"),
)


def guess_kind(source: Source) -> str:
    """`python`, `node` or `provided`. Raises CliError when the code doesn't say."""
    if source.find("bootstrap") is not None:
        return "provided"
    python = bool(source.top(".py"))
    node = bool(source.top(*_NODE_SUFFIXES))
    if python and node:
        # Whoever keeps a list of dependencies has said which of the two the function is.
        python, node = source.find("requirements.txt") is not None, source.find("package.json") is not None
    if python != node:
        return "python" if python else "node"
    raise CliError(
        _unbuilt(source) or "Which runtime is this for? Say it with --runtime; `stoker runtimes` names them."
    )


def kind_of(runtime: str) -> str:
    """The kind that a runtime's name belongs to: `python3.13` → `python`."""
    name = re.match("[a-z]+", runtime)
    return {"nodejs": "node", "python": "python"}.get(name.group() if name else "", "provided")


def newest(runtimes: Iterable[Runtime], kind: str) -> Runtime | None:
    """The runtime of a kind with the highest number in its name."""
    return max(
        (runtime for runtime in runtimes if runtime.kind == kind),
        key=lambda runtime: number(runtime.name),
        default=None,
    )


def guess_handler(source: Source, kind: str) -> str:
    """The handler of a source, such as `app.handler`. Raises CliError when there is none or more than one."""
    if kind == "provided":
        if source.find("bootstrap") is None:
            raise CliError(_unbuilt(source) or "There is no executable called `bootstrap` at the top of the folder.")
        return "bootstrap"
    files = source.top(".py") if kind == "python" else source.top(*_NODE_SUFFIXES)
    usual = _PYTHON_FILES if kind == "python" else _NODE_FILES
    found = [f"{_module(file)}.{name}" for file in _by_likelihood(files, usual) for name in _handlers(file, kind)]
    likely = [handler for handler in found if handler.partition(".")[0] in usual]
    if likely or len(found) == 1:
        return (likely or found)[0]
    if found:
        raise CliError(f"Which of {', '.join(found)} handles events? Say it with --handler.")
    raise CliError(
        "No function called handler or lambda_handler was found. Say which it is with --handler FILE.FUNCTION."
    )


def number(name: str) -> tuple[int, ...]:
    """The number in a runtime's name: `python3.13` → `(3, 13)`."""
    return tuple(int(part) for part in re.findall(r"\d+", name))


def _by_likelihood(files: Sequence[SourceFile], usual: Sequence[str]) -> list[SourceFile]:
    return sorted(files, key=lambda file: usual.index(_module(file)) if _module(file) in usual else len(usual))


def _module(file: SourceFile) -> str:
    return file.name.rpartition(".")[0]


def _handlers(file: SourceFile, kind: str) -> list[str]:
    text = file.path.read_text(errors="replace")
    names = python_names(text) if kind == "python" else node_exports(text)
    return [name for name in _HANDLERS if name in names]


def python_names(text: str) -> set[str]:
    """What a Python module binds at its top: functions, assignments and imports."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        # Perhaps newer than this interpreter's grammar; perhaps wrong, which the function's own runtime says best.
        return set(re.findall(r"^def\s+(\w+)", text, re.MULTILINE))
    names: set[str] = set()
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                names.update(alias.asname or alias.name for alias in aliases)
    return names


def node_exports(text: str) -> set[str]:
    """What a JavaScript module exports by name, as far as the usual spellings go."""
    names = {name for expression in _NODE_EXPORTS for name in expression.findall(text)}
    for expression in _NODE_EXPORT_LISTS:
        for members in expression.findall(text):
            # `{ run as handler }` and `{ handler: run }` both export handler.
            names.update(re.split(r"\s+as\s+", part.partition(":")[0].strip())[-1] for part in members.split(","))
    return names


def _unbuilt(source: Source) -> str | None:
    """What to do about a program that is there as its source only."""
    sources = source.top(".c", ".rs", ".go", ".cpp")
    return f"{sources[0].name} has to be compiled to an executable called `bootstrap` first." if sources else None
