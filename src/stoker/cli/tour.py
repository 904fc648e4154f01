"""`stoker tour`: deploys the examples and invokes each cold and warm; what `make run` shows."""

import base64
import http.client
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stoker.cli import screen
from stoker.cli.connection import ClientOptions, Connection, connect, local_data
from stoker.cli.deploy import deploy_path
from stoker.cli.event import with_files
from stoker.cli.failures import CliError
from stoker.cli.function_file import FunctionSettings
from stoker.cli.guess import guess_kind, newest
from stoker.cli.invoke import call, tell
from stoker.cli.runtimes import runtimes_here
from stoker.cli.source import read_source

if TYPE_CHECKING:
    from stoker.functions.runtimes import RuntimeCatalogue

_CHECKOUT = Path(__file__).parents[3]
_HELLOS = ("hello-python", "hello-node", "hello-bootstrap")
_CONSOLE = "/_stoker/console/"
_LOOK_TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One example: its folder and name, the event that it gets, and how its result is put."""

    name: str
    event: str
    describe: Callable[[Any], str]


def tour(
    context: typer.Context,
    examples: Annotated[
        Path, typer.Option(help="The folder with the examples.", show_default="those of Stoker's repository")
    ] = _CHECKOUT / "examples",
) -> None:
    """Deploy the examples, invoke each cold and warm, and show what came of it."""
    if not examples.is_dir():
        raise CliError(f"{examples} is not there. Say where the examples of Stoker's repository are with --examples.")
    connection, catalogue = connect(context), runtimes_here()
    photo = with_files('{"width": 320}', [f"image={examples / 'thumbnail' / 'photo.jpg'}"])
    stops = [Stop(name=name, event='{"name": "Ada"}', describe=json.dumps) for name in _HELLOS]
    stops.append(Stop(name="thumbnail", event=photo, describe=_picture))
    failed = [stop.name for stop in stops if not _show(connection, catalogue, examples, stop)]
    if failed:
        raise CliError(f"{', '.join(failed)} failed; `stoker logs NAME` shows what they said.")
    _say_where(connection, context.obj)


def _show(connection: Connection, catalogue: "RuntimeCatalogue", examples: Path, stop: Stop) -> bool:
    """One example from its folder to its second answer; False when it failed. Without its runtime it is skipped."""
    screen.say(f"\n━━ {stop.name}", style="bold")
    kind = guess_kind(read_source(examples / stop.name))
    if newest(catalogue.all(), kind) is None:
        screen.say(f"skipped: this machine has no runtime for {kind} code. `stoker runtimes` says what to install.")
        return True
    started = time.perf_counter()
    deployed = deploy_path(connection, catalogue, examples / stop.name, FunctionSettings())
    known = deployed.configuration
    took = time.perf_counter() - started
    screen.say(f"{deployed.outcome}: {known['Runtime']}, {screen.size(known['CodeSize'])}, in {took:.1f} s")
    functions = connection.client("lambda")
    return all(_invoke(functions, known["FunctionName"], stop) for _ in ("cold", "warm"))


def _invoke(functions: Any, name: str, stop: Stop) -> bool:
    answer = call(functions, name, stop.event)
    screen.say(f"\n$ stoker invoke {name}    # answered after {answer.answered_ms:.1f} ms", style="green")
    print(answer.result if answer.error else stop.describe(answer.result))
    tell(answer, log=True)
    return answer.error is None


def _picture(result: dict[str, Any]) -> str:
    content = base64.b64decode(result["image"])
    return f"a {result['format']} of {result['width']} x {result['height']} pixels, {len(content):,} bytes"


def _is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_LOOK_TIMEOUT_S) as answer:
            return bool(answer.status == http.client.OK)
    except OSError:
        return False


def _say_where(connection: Connection, options: ClientOptions) -> None:
    screen.say("\n━━ yours", style="bold")
    print(f"endpoint  {connection.endpoint}")
    data = local_data(options)
    if (data / "credentials").is_file():
        print(f"for every AWS client of a shell:  eval $({sys.argv[0]} --data {data} credentials --export)")
        print(f"the key to sign in with is in {data / 'credentials'}")
    console = connection.endpoint + _CONSOLE
    if _is_there(console):
        print(f"console   {console}")
