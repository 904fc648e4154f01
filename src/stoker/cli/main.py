"""The command itself: its options, its subcommands, and the one place where errors become words."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from stoker import __version__
from stoker.cli import credentials_users, screen
from stoker.cli.audit import audit
from stoker.cli.bill import bill
from stoker.cli.connection import ClientOptions
from stoker.cli.credentials import credentials
from stoker.cli.deploy import deploy
from stoker.cli.dev import dev
from stoker.cli.doctor import doctor
from stoker.cli.failures import CliError, explain
from stoker.cli.functions import delete, list_functions
from stoker.cli.init import init
from stoker.cli.invoke import invoke
from stoker.cli.logs import logs
from stoker.cli.runtimes import runtimes
from stoker.cli.tour import tour
from stoker.cli.up import up


def build() -> typer.Typer:
    """The command with all its subcommands."""
    app = typer.Typer(
        help="AWS Lambda on your own machines.",
        no_args_is_help=True,
        # Plain help and errors: drawing boxes around them takes longer than the commands themselves.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    app.command()(up)
    app.command()(init)
    app.command()(deploy)
    app.command()(dev)
    app.command()(invoke)
    app.command()(logs)
    app.command("list")(list_functions)
    app.command()(delete)
    app.command()(bill)
    app.command()(audit)
    app.command()(runtimes)
    app.command()(doctor)
    keys = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    keys.callback()(credentials)
    keys.command()(credentials_users.create)
    keys.command("list")(credentials_users.list_users)
    keys.command()(credentials_users.delete)
    app.add_typer(keys, name="credentials")
    app.command()(tour)
    return app


def main() -> None:
    """Run the command line and exit. Every failure is one line on stderr; STOKER_TRACEBACK=1 shows where it was.

    Ctrl-C (status 130), a closed pipe and mistakes of usage (status 2) are typer's.
    """
    try:
        build()()
    except Exception as error:  # The process's boundary: whatever it is, a user gets a line and a status.
        if os.environ.get("STOKER_TRACEBACK"):
            raise
        known = explain(error)
        mistake = f"stoker itself failed: {error!r}. STOKER_TRACEBACK=1 shows where; please report it."
        screen.say(f"error: {known or mistake}", style="red")
        sys.exit(error.exit_code if isinstance(error, CliError) else 1)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"stoker {__version__}")
        raise typer.Exit


def _options(
    context: typer.Context,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="The server; else STOKER_ENDPOINT.")] = None,
    region: Annotated[str | None, typer.Option(help="Else AWS_REGION, AWS_DEFAULT_REGION, us-east-1.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of ~/.aws with the key; else AWS_PROFILE.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data directory of this machine's server.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    context.obj = ClientOptions(endpoint=endpoint, region=region, profile=profile, data=data)
