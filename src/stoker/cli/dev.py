"""`stoker dev`: a folder's every change becomes the function's, while its log runs along."""

import ast
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stoker.cli import screen
from stoker.cli.connection import Connection, connect
from stoker.cli.deploy import prepare
from stoker.cli.failures import CliError, explain
from stoker.cli.function_file import FunctionSettings, parse_variables
from stoker.cli.role import default_role
from stoker.cli.runtimes import runtimes_here
from stoker.cli.source import Source, read_rules, read_source
from stoker.cli.tail import Tail
from stoker.cli.upload import Upload
from stoker.linux.inotify import FolderWatch

if TYPE_CHECKING:
    from stoker.functions.runtimes import RuntimeCatalogue

# An editor saves in several steps, and a tool several files: what comes this close together is one change.
_SETTLED_S = 0.03
_LONGEST_UNREST_S = 0.5
_TAIL_BEGINS_WITHIN_S = 5.0


def dev(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder, or a single file, as for `stoker deploy`.")],
    name: Annotated[str | None, typer.Option(help="Else from function.toml, else the folder's name.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A variable; may be repeated.")] = None,
) -> None:
    """Deploy each change of a folder as it is saved, and show the log; Ctrl-C ends it."""
    said = FunctionSettings(name=name, env=parse_variables(env or []))
    read_source(path)  # With nothing to watch, an error is better than waiting for it.
    bench = Workbench(connect(context), runtimes_here(), path, said)
    watch = FolderWatch()
    try:
        watch.add(folders(path))
        bench.refresh()
        for _ in changes(watch, path):
            bench.refresh()
    except KeyboardInterrupt:
        screen.say(f"No longer watching {path}.", style="dim")
    finally:
        watch.close()


class Workbench:
    """The code at a path and the function that it becomes. Remembers what was sent, to send only what differs."""

    def __init__(
        self, connection: Connection, catalogue: "RuntimeCatalogue", path: Path, said: FunctionSettings
    ) -> None:
        self._connection = connection
        self._functions = connection.client("lambda")
        self._catalogue = catalogue
        self._path = path
        self._said = said
        self._sent: Upload | None = None
        self._trouble: str | None = None
        self._tail: Tail | None = None

    def __repr__(self) -> str:
        return f"<Workbench of {self._path}, {'nothing' if self._sent is None else self._sent.settings.name} sent>"

    def refresh(self) -> None:
        """Bring the function up to date and tell how that went. What is wrong is said once, and left for a change."""
        started = time.perf_counter()
        try:
            outcome = self._send()
        except Exception as error:  # The process's boundary, but for the process: the next change may mend it.
            trouble = explain(error)
            if trouble is None:
                raise
            if trouble != self._trouble:
                screen.say(trouble, style="red")
            self._trouble = trouble
            return
        if outcome is not None or self._trouble is not None:
            took_ms = (time.perf_counter() - started) * 1000
            screen.say(f"{self._name} {outcome or 'as it was'} in {took_ms:.0f} ms", style="green")
        self._trouble = None
        if self._tail is None:
            self._tail = Tail(self._connection, self._name)
            self._tail.start(_TAIL_BEGINS_WITHIN_S)
            screen.say(
                f"Watching {self._path}. Call it: stoker invoke {self._name}; Ctrl-C ends the watch.", style="dim"
            )

    @property
    def _name(self) -> str:
        return (self._sent.settings.name if self._sent else None) or "nothing"

    def _send(self) -> str | None:
        """What became of it; None where nothing differs from what was sent before."""
        upload = prepare(self._catalogue, self._path, self._said, quiet=True)
        runtime = self._catalogue.get(upload.settings.runtime or "")
        if runtime is not None and runtime.kind == "python" and runtime.executable is not None:
            check_syntax(read_source(self._path), runtime.executable)
        if upload == self._sent:
            return None
        deployed = upload.send(self._functions, lambda: default_role(self._connection))
        self._sent = upload
        return deployed.outcome


def check_syntax(source: Source, interpreter: Path) -> None:
    """Raises CliError at the first Python file that is none: the function goes on with what it has.

    The runtime's own interpreter has the last word, since its grammar may be newer; asking it first would take longer
    than all the rest.
    """
    for file in source.files:
        if file.name.endswith(".py"):
            try:
                ast.parse(file.path.read_bytes(), file.name)
            except SyntaxError as error:
                if not _refuses(interpreter, file.path):
                    continue
                where = f"{file.path}, line {error.lineno}" if error.lineno else str(file.path)
                raise CliError(f"{where}: {error.msg}. Not deployed; save it again when it is mended.") from None


def _refuses(interpreter: Path, file: Path) -> bool:
    reads = "import ast, sys; ast.parse(open(sys.argv[1], 'rb').read())"
    done = subprocess.run([interpreter, "-I", "-c", reads, file], capture_output=True, check=False)
    return done.returncode != 0


def changes(watch: FolderWatch, path: Path) -> Iterator[None]:
    """Something after each change, for ever. Folders that come to be are watched from then on."""
    while watch.wait():
        until = time.monotonic() + _LONGEST_UNREST_S
        while time.monotonic() < until and watch.wait(_SETTLED_S):
            pass
        watch.add(folders(path))
        yield


def folders(path: Path) -> Iterator[Path]:
    """The folder and those below it whose files are deployed; for a single file the one that it is in."""
    if not path.is_dir():
        yield path.resolve().parent
        return
    rules = read_rules(path)
    for above, below, _ in os.walk(path, followlinks=False):
        yield Path(above)
        below[:] = [
            each for each in below if not rules.ignores(os.path.relpath(Path(above, each), path), directory=True)
        ]
