"""`stoker logs`: what a function has written, and what it is writing."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from stoker.cli.completion import function_names
from stoker.cli.connection import connect
from stoker.cli.failures import CliError

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_POLL_S = 0.5


def logs(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A function's name.", autocompletion=function_names)],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing lines as they come.")] = False,
    since: Annotated[str, typer.Option(metavar="AGE", help="How far back: 30s, 10m, 2h, 7d.")] = "10m",
    pattern: Annotated[str | None, typer.Option("--filter", help="A CloudWatch Logs filter pattern.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show a function's log."""
    start_ms = int((time.time() - seconds(since)) * 1000)
    connection = connect(context)
    group = log_group(connection.client("lambda"), name)
    query = {"logGroupName": group, **({"filterPattern": pattern} if pattern else {})}
    client = connection.client("logs")
    events = followed(client, query, start_ms, time.sleep) if follow else found(client, query, start_ms)
    for event in events:
        show(event, as_json=as_json)


def seconds(age: str) -> int:
    """`10m` in seconds."""
    parts = re.fullmatch(r"(\d+)([smhdw])", age)
    if parts is None:
        raise CliError(f"--since {age}: write it as a number and s, m, h, d or w, such as 10m.")
    return int(parts[1]) * _UNITS_S[parts[2]]


def log_group(functions: Any, name: str) -> str:
    """Where a function logs; the log of one that is deleted is still where it was."""
    try:
        configuration = functions.get_function_configuration(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        return f"/aws/lambda/{name}"
    group: str = (
        configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{configuration['FunctionName']}"
    )
    return group


def found(client: Any, query: dict[str, Any], start_ms: int) -> Iterator[dict[str, Any]]:
    """The events of a group from a moment on, in order."""
    for page in client.get_paginator("filter_log_events").paginate(**query, startTime=start_ms):
        yield from page["events"]


def followed(
    client: Any, query: dict[str, Any], start_ms: int, sleep: Callable[[float], None]
) -> Iterator[dict[str, Any]]:
    """Those that are there and then each that comes, for ever; a group that isn't there yet may still come to be."""
    # Events of one millisecond can arrive in two polls: what was shown of the newest one is remembered.
    shown: dict[str, int] = {}
    while True:
        try:
            events = list(found(client, query, start_ms))
        except client.exceptions.ResourceNotFoundException:
            events = []
        yield from (event for event in events if event["eventId"] not in shown)
        shown |= {event["eventId"]: event["timestamp"] for event in events}
        start_ms = max([start_ms, *shown.values()])
        shown = {key: at for key, at in shown.items() if at >= start_ms}
        sleep(_POLL_S)


def show(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event, ensure_ascii=False), flush=True)
        return
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
    print(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  {event['message'].rstrip()}", flush=True)
