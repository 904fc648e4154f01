"""The command's subcommands and their options, and the variables that it reads."""

from enum import Enum
from pathlib import Path
from typing import Any

import typer
from source_code import cell

from stoker.cli.main import build

VARIABLES = {
    "STOKER_ACCESS_KEY, STOKER_SECRET_KEY": "`stoker up`: the root key, at the first start. Clients: the key to sign with",
    "STOKER_OBJECTS_ACCESS_KEY, STOKER_OBJECTS_SECRET_KEY": "`stoker up --objects`: the key for that store",
    "STOKER_ENDPOINT, else AWS_ENDPOINT_URL": "clients: where the server is",
    "STOKER_DATA": "clients: the data directory of this machine's server, with its key and address",
    "STOKER_TRACEBACK": "1: a failure shows where it was in the code",
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE": "clients: the key to sign with",
    "AWS_REGION, else AWS_DEFAULT_REGION": "clients: the region",
    "AWS_CA_BUNDLE": "clients: whose certificates are trusted",
}

KINDS = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
OF_TYPER = {"--install-completion", "--show-completion", "--help"}


def command_line() -> str:
    top = typer.main.get_command(build())
    lines = ["# The command", "", f"{top.help}", "", *_options(top), ""]
    lines += ["These stand before the subcommand. Every one has `--help`."]
    lines += _commands(top, "stoker")
    lines += ["", "## Variables", "", "| variable | for |", "|---|---|"]
    lines += [_row(names, what) for names, what in VARIABLES.items()]
    return "\n".join(lines) + "\n"


def _row(names: str, what: str) -> str:
    shown = ", ".join(
        f"else `{each.removeprefix('else ')}`" if each.startswith("else ") else f"`{each}`"
        for each in names.split(", ")
    )
    return f"| {shown} | {cell(what)} |"


def _commands(group: Any, prefix: str) -> list[str]:
    lines: list[str] = []
    for name, command in sorted(getattr(group, "commands", {}).items()):
        called = f"{prefix} {name}"
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        usage = " ".join([called, *(_usage(each) for each in arguments)])
        lines += ["", f"## `{usage}`", "", " ".join((command.help or "").split()), "", *_options(command)]
        lines += _commands(command, called)
    return lines


def _usage(argument: Any) -> str:
    shown = (argument.metavar or argument.name or "").upper()
    shown = f"{shown}…" if argument.nargs == -1 else shown
    return shown if argument.required else f"[{shown}]"


def _options(command: Any) -> list[str]:
    rows = []
    for each in command.params:
        if each.param_type_name != "option" or each.hidden or not OF_TYPER.isdisjoint(each.opts):
            continue
        about = " ".join((each.help or "").split())
        rows.append(f"| {_names(each)} | {cell(about)} | {cell(_default(each))} |")
    return ["| option | what it does | else |", "|---|---|---|", *rows] if rows else []


def _names(option: Any) -> str:
    names = ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    asked = option.type_descriptor.annotation
    kinds = [each.value for each in asked] if issubclass(asked, Enum) else []
    kind = "|".join(kinds) or option.metavar or KINDS.get(asked, "TEXT")
    return f"{names} {cell(kind)}"


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if option.default in (None, False, (), []) or callable(option.default):
        return ""
    value = getattr(option.default, "value", option.default)
    return f"`{value}`"
