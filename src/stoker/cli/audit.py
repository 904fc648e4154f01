"""`stoker audit`: who did what, and who was refused."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from stoker.cli import screen
from stoker.cli.bill import fetch
from stoker.cli.connection import connect

_COLUMNS = ("When", "Who", "What", "Where", "Outcome")


def audit(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many records, the newest first.")] = 50,
    name: Annotated[str | None, typer.Option(metavar="OPERATION", help="Only of this operation.")] = None,
    user: Annotated[str | None, typer.Option(help="Only of callers with this in their ARN.")] = None,
    source: Annotated[str | None, typer.Option(metavar="SERVICE", help="Only of this service: iam, lambda, …")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="2026-01-31T12:00:00Z, or its beginning.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused or failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
) -> None:
    """Show the audit log: every change, and every call that was refused."""
    given = {"limit": limit, "name": name, "user": user, "source": source, "since": since, "refused": int(refused)}
    query = urlencode({key: value for key, value in given.items() if value})
    records = fetch(connect(context), f"/_stoker/audit?{query}")["records"]
    if as_json:
        screen.show_json(records)
    elif not records:
        screen.say("Nothing is written down of that.")
    else:
        screen.show_table(_COLUMNS, [_row(record) for record in records])


def _row(record: Any) -> list[str]:
    who = record["userIdentity"]
    what = f"{record.get('eventSource', '').partition('.')[0]}:{record['eventName']}" if "eventName" in record else "?"
    return [
        record["eventTime"],
        who.get("arn", who["type"]).rpartition(":")[2],
        what,
        record["sourceIPAddress"],
        record.get("errorCode", "ok"),
    ]
