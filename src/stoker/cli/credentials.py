"""`stoker credentials`: the key of this machine's server, for every other AWS client."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from stoker.cli import screen
from stoker.cli.connection import (
    ClientOptions,
    Key,
    endpoint,
    local_data,
    local_key,
    own_certificate,
    own_region,
)
from stoker.cli.failures import CliError
from stoker.settings import METRICS_TOKEN

_PROFILE_NAME = "stoker"


def credentials(
    context: typer.Context,
    export: Annotated[bool, typer.Option("--export", help="Lines for a shell to eval.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="A section for ~/.aws/config.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="The token for /_stoker/metrics.")] = False,
    data: Annotated[Path | None, typer.Option(help="The server's data directory.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print key, secret, region and endpoint as JSON.")] = False,
) -> None:
    """Show the server's key: `eval $(stoker credentials --export)` makes every AWS client use it."""
    if context.invoked_subcommand is not None:
        return
    options: ClientOptions = context.obj
    place = data or local_data(options)
    if metrics:
        print(_metrics_token(place))
        return
    key = local_key(place)
    variables = variables_of(key, options, place)
    if as_json:
        screen.show_json(variables)
    elif export:
        print(as_exports(variables))
    elif profile:
        print(as_profile(variables))
    else:
        _tell(key, variables["AWS_ENDPOINT_URL"], place)


def _metrics_token(place: Path) -> str:
    path = place / METRICS_TOKEN
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise CliError(f"There is no {path}: start the server with `stoker up`.") from None
    except PermissionError:
        raise CliError(f"{path} belongs to another user: `sudo cat {path}` shows it.") from None


def variables_of(key: Key, options: ClientOptions, place: Path) -> dict[str, str]:
    """What AWS clients of a shell need to use a key of this directory's server."""
    # The key is that of the server of this directory, so an AWS_ENDPOINT_URL of the shell says nothing here.
    url = endpoint(options, {}, place)
    certificate = own_certificate(url, place)
    return {
        "AWS_ACCESS_KEY_ID": key.access_key or "",
        "AWS_SECRET_ACCESS_KEY": key.secret_key or "",
        "AWS_DEFAULT_REGION": options.region or own_region(place),
        "AWS_ENDPOINT_URL": url,
        **({} if certificate is None else {"AWS_CA_BUNDLE": str(certificate)}),
    }


def as_exports(variables: dict[str, str]) -> str:
    """Lines for a POSIX shell. The semicolons keep them apart when `eval $(…)` makes one line of them."""
    return "\n".join(f"export {name}={shlex.quote(value)};" for name, value in variables.items())


def as_profile(variables: dict[str, str]) -> str:
    """A section of ~/.aws/config, where a profile may name its endpoint and its key."""
    lines = {
        "region": variables["AWS_DEFAULT_REGION"],
        "endpoint_url": variables["AWS_ENDPOINT_URL"],
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
        **({"ca_bundle": variables["AWS_CA_BUNDLE"]} if "AWS_CA_BUNDLE" in variables else {}),
    }
    return f"[profile {_PROFILE_NAME}]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items())


def _tell(key: Key, url: str, place: Path) -> None:
    print(f"endpoint    {url}")
    print(f"access key  {key.access_key}")
    print(f"secret key  in {place / 'credentials'}")
    screen.say("`eval $(stoker credentials --export)` sets them for every AWS client of this shell.", style="dim")
