"""What a shell offers when somebody presses Tab; `stoker --install-completion` sets a shell up.

A shell asks while somebody types, so that nothing here says a word, and no answer is waited for for long.
"""

from collections.abc import Callable, Mapping

import typer

from stoker.cli.connection import ClientOptions, resolve

_LONGEST_WAIT_S = 2


def function_names(context: typer.Context, incomplete: str) -> list[str]:
    """The functions of the server that the command as far as it is typed would speak to."""
    try:
        client = resolve(_options(context)).client("lambda", read_timeout_s=_LONGEST_WAIT_S)
        pages = client.get_paginator("list_functions").paginate()
        names = [str(known["FunctionName"]) for page in pages for known in page["Functions"]]
    except Exception:  # The process's boundary: whatever it is, a traceback would land in a half-typed line.
        return []
    return [name for name in names if name.startswith(incomplete)]


def one_of(titles: Mapping[str, str]) -> Callable[[str], list[tuple[str, str]]]:
    """Completes to one of these names, and says what each is."""
    return lambda incomplete: [each for each in titles.items() if each[0].startswith(incomplete)]


def _options(context: typer.Context) -> ClientOptions:
    """While a line is completed nothing of it is run, `main.py`'s callback neither: its options are only parsed."""
    parent = context.find_root()
    known = {name: parent.params.get(name) for name in ("endpoint", "region", "profile", "data")}
    return ClientOptions(**known)
