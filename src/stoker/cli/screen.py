"""What a command shows: data on stdout, for a person or as JSON; everything said along the way on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def show_json(value: Any) -> None:
    """Data for programs, on stdout."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def say(text: str, style: str = "") -> None:
    """A line for a person, on stderr; nothing in it is taken for markup."""
    from rich.console import Console

    sys.stdout.flush()  # In a pipe stdout is buffered, and what was printed before has to come before.
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, style=style or None, markup=False)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on stdout; the columns named in `right` hold numbers. In a pipe it is as wide as its contents."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 1000)
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        print(line.rstrip())


@contextmanager
def working(text: str, *, quiet: bool = False) -> Iterator[None]:
    """A spinner on stderr while something takes its time; in a pipe, or when quiet, nothing."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


@contextmanager
def advancing(text: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar on stderr for work whose extent is known; gives what to call with each part that is done."""
    if quiet or not sys.stderr.isatty():
        yield lambda _part: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total)
        yield lambda part: progress.advance(task, part)


def size(count: int) -> str:
    """Bytes for people, in the powers of 1,024 that Lambda's quotas are in."""
    for unit, factor in (("MB", 1_048_576), ("KB", 1024)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
