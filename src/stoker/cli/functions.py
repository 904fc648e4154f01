"""`stoker list` and `stoker delete`."""

from typing import Annotated, Any

import typer

from stoker.cli import screen
from stoker.cli.completion import function_names
from stoker.cli.connection import connect

_COLUMNS = ("Name", "Runtime", "Handler", "Memory", "Timeout", "Size", "Changed")


def list_functions(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the configurations as JSON.")] = False,
) -> None:
    """Show the functions of the region."""
    client = connect(context).client("lambda")
    functions = [known for page in client.get_paginator("list_functions").paginate() for known in page["Functions"]]
    if as_json:
        screen.show_json(functions)
    elif functions:
        screen.show_table(_COLUMNS, map(_row, functions), right=("Memory", "Timeout", "Size"))
    else:
        screen.say("No functions yet. `stoker deploy PATH` makes one of a folder or a file.")


def _row(known: dict[str, Any]) -> list[str]:
    return [
        known["FunctionName"],
        known.get("Runtime", ""),
        known.get("Handler", ""),
        f"{known['MemorySize']} MB",
        f"{known['Timeout']} s",
        screen.size(known["CodeSize"]),
        known["LastModified"][:19].replace("T", " "),
    ]


def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A function's name.", autocompletion=function_names)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was deleted as JSON.")] = False,
) -> None:
    """Delete a function with all its versions and aliases; its log stays."""
    client = connect(context).client("lambda")
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    if not yes:
        typer.confirm(f"Delete {arn} with all its versions and aliases?", abort=True, err=True)
    client.delete_function(FunctionName=name)
    if as_json:
        screen.show_json({"deleted": arn})
    else:
        print(f"{name} deleted")
