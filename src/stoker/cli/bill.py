"""`stoker bill`: what a month's invocations would cost on AWS."""

import csv
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from stoker.cli import screen
from stoker.cli.connection import DEFAULT_REGION, Connection, connect
from stoker.cli.failures import CliError
from stoker.cli.price import in_dollars

_SIGNING_NAME = "stoker"
_TIMEOUT_S = 60
_FIELDS = (
    "key", "architecture", "requests", "errors", "billedMs", "gbSeconds", "provisionedGbSeconds", "streamedGb", "usd",
)  # fmt: skip
_NUMBERS = ("Requests", "Errors", "GB-seconds", "Held ready", "Streamed GB", "Cost")


class By(StrEnum):
    """What a line of the bill is about."""

    FUNCTION = "function"
    VERSION = "version"
    DAY = "day"


def bill(
    context: typer.Context,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Else the current month, in UTC.")] = None,
    by: Annotated[By, typer.Option(help="What a line is about.")] = By.FUNCTION,
    as_json: Annotated[bool, typer.Option("--json", help="Print the bill as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the lines as CSV.")] = False,
) -> None:
    """Show what was used in a month and what AWS would charge for it."""
    if as_json and as_csv:
        raise CliError("Either --json or --csv.", exit_code=2)
    query = urlencode({"by": by.value, **({"month": month} if month else {})})
    document = fetch(connect(context), f"/_stoker/bill?{query}")
    if as_json:
        screen.show_json(document)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(document["lines"])
    else:
        _show(document, by)


def fetch(connection: Connection, path: str) -> Any:
    """The JSON that the server has at one of its own paths. Raises CliError."""
    request = urllib.request.Request(connection.endpoint + path, headers=_signature(connection, path))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=_trust(connection)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CliError(_message(error.read()) or f"The server answered {error.code}.") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise CliError(
            f"Nothing answers at {connection.endpoint}: start it with `stoker up`, "
            "or say where it is with --endpoint or STOKER_ENDPOINT."
        ) from error


def _trust(connection: Connection) -> ssl.SSLContext | None:
    if not connection.endpoint.startswith("https:"):
        return None
    return ssl.create_default_context(cafile=connection.certificate or os.environ.get("AWS_CA_BUNDLE"))


def _signature(connection: Connection, path: str) -> dict[str, str]:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    session = connection.session()
    credentials = session.get_credentials()
    if credentials is None:
        raise CliError("No credentials. `eval $(stoker credentials --export)` sets those of this machine's Stoker.")
    request = AWSRequest(method="GET", url=connection.endpoint + path)
    SigV4Auth(credentials, _SIGNING_NAME, session.region_name or DEFAULT_REGION).add_auth(request)
    return dict(request.headers.items())


def _message(body: bytes) -> str | None:
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        # Something else than Stoker answers there; its status has to do.
        return None
    return str(message)


def _show(document: Any, by: By) -> None:
    if not document["lines"]:
        screen.say(f"Nothing ran in {document['month']}.")
        return
    rows = [
        [
            line["key"],
            line["architecture"],
            f"{line['requests']:,}",
            f"{line['errors']:,}",
            f"{line['gbSeconds']:,.3f}",
            f"{line['provisionedGbSeconds']:,.0f}",
            f"{line['streamedGb']:,.3f}",
            in_dollars(line["usd"]),
        ]
        for line in document["lines"]
    ]
    total, free = document["total"], document["freeTier"]
    rows.append(_sum("total", total, 1))
    rows.append(_sum("free tier", free, -1))
    rows.append(["to pay", "", "", "", "", "", "", in_dollars(document["dueUsd"])])
    screen.show_table((by.value.capitalize(), "Architecture", *_NUMBERS), rows, right=_NUMBERS)


def _sum(name: str, amounts: Any, sign: int) -> list[str]:
    gb_seconds, streamed_gb = sign * amounts["gbSeconds"], sign * amounts["streamedGb"]
    held = f"{amounts['provisionedGbSeconds']:,.0f}" if "provisionedGbSeconds" in amounts else ""
    counts = [f"{sign * amounts['requests']:,}", "", f"{gb_seconds:,.3f}", held, f"{streamed_gb:,.3f}"]
    return [name, "", *counts, in_dollars(sign * amounts["usd"])]
