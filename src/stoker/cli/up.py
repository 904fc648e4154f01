"""`stoker up`: the server."""

import ipaddress
import os
import pickle
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from stoker.cli.connection import ClientOptions, local_data
from stoker.cli.failures import CliError
from stoker.settings import Settings, SettingsError


class SandboxName(StrEnum):
    """The drivers that functions can run in."""

    LINUX = "linux"
    GVISOR = "gvisor"


def up(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 4566,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept.", show_default="as for clients")] = None,
    store: Annotated[str | None, typer.Option(metavar="URL", help="postgresql+psycopg://…; else SQLite.")] = None,
    objects: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where objects are: s3://BUCKET/PREFIX?endpoint=…; else files."),
    ] = None,
    account: Annotated[str, typer.Option(help="The account's 12 digits.")] = "000000000000",
    region: Annotated[str, typer.Option(help="What local clients use that name none.")] = "us-east-1",
    keep_warm: Annotated[float, typer.Option(metavar="SECONDS", help="How long an idle environment stays.")] = 600.0,
    concurrency: Annotated[int, typer.Option(min=1, help="How many invocations may run at once in a region.")] = 1000,
    prices: Annotated[Path | None, typer.Option(metavar="FILE", help="Prices of the bill, in TOML.")] = None,
    sandbox: Annotated[SandboxName, typer.Option(help="What functions run in.")] = SandboxName.LINUX,
    allow_weak_isolation: Annotated[
        bool, typer.Option("--allow-weak-isolation", help="Start even where nothing can limit functions' memory.")
    ] = False,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="A certificate in PEM: speak TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key in PEM.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen on other than the loopback without TLS.")
    ] = False,
    proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK", help="A proxy in front, whose X-Forwarded-For and -Proto are believed."),
    ] = None,
    loopback_endpoints: Annotated[
        bool, typer.Option("--loopback-endpoints", help="Let SNS call HTTP endpoints on this machine.")
    ] = False,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An OpenTelemetry collector for traces; else OTEL_EXPORTER_OTLP_ENDPOINT."),
    ] = None,
    no_iam_enforcement: Annotated[
        bool, typer.Option("--no-iam-enforcement", help="For development: whoever has a key may do everything.")
    ] = False,
) -> None:
    """Start the server; SIGTERM or Ctrl-C lets it finish what is running and stop, a second one ends it at once."""
    if (tls_cert is None) != (tls_key is None):
        raise CliError("--tls-cert and --tls-key go together.", exit_code=2)
    for network in proxy or ():
        _check_network(network)
    options: ClientOptions = context.obj
    try:
        settings = Settings.from_environment(
            data=(data or local_data(options)).absolute(),
            host=host,
            port=port,
            store_url=store,
            objects_url=objects,
            account=account,
            region=region,
            keep_warm_s=keep_warm,
            concurrency=concurrency,
            prices=prices,
            sandbox=str(sandbox),
            allow_weak_isolation=allow_weak_isolation,
            tls_cert=tls_cert,
            tls_key=tls_key,
            insecure=insecure,
            proxies=tuple(proxy or ()),
            loopback_endpoints=loopback_endpoints,
            enforce_iam=not no_iam_enforcement,
            otlp_endpoint=otlp_endpoint,
        )
    except SettingsError as error:
        raise CliError(str(error), exit_code=2) from None
    _become_server(settings)


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise CliError(f"--proxy {text}: {error}.", exit_code=2) from error


def _become_server(settings: Settings) -> NoReturn:
    """Go on as `stoker.serve`, in this process: what reads command lines would take up 20 MB for as long as it runs."""
    handed_over = os.memfd_create("stoker-settings", 0)
    os.write(handed_over, pickle.dumps(settings))
    os.lseek(handed_over, 0, os.SEEK_SET)
    sys.stdout.flush()
    # -P: what lies in the directory that it is started from is nobody's module.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "stoker.serve", str(handed_over)])
