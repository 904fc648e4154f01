"""`stoker invoke`: one event to one function, and everything there is to know about what came of it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from stoker.cli import screen
from stoker.cli.completion import function_names, one_of
from stoker.cli.connection import connect
from stoker.cli.event import read_event, save_files, with_files
from stoker.cli.price import Cost, cost, in_dollars
from stoker.cli.report import UsageReport, find_report, is_report, log_lines
from stoker.model.sample_event import TITLES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, and after how many milliseconds as seen from here.

    `result` is the JSON value, or the text when it is none; `error` is None or `Unhandled`.
    """

    result: Any
    error: str | None
    version: str
    request_id: str
    answered_ms: float
    log: tuple[str, ...]
    report: UsageReport | None
    cost: Cost | None

    def as_members(self) -> dict[str, Any]:
        return {
            "result": self.result,
            "functionError": self.error,
            "executedVersion": self.version,
            "requestId": self.request_id,
            "answeredMs": round(self.answered_ms, 2),
            "report": None if self.report is None else self.report.as_members(),
            "costUsd": None if self.cost is None else round(self.cost.total, 13),
            "log": list(self.log),
        }


def _list_samples(sample: str | None) -> str | None:
    """`--event list` needs no function, and so it is looked at before anything else."""
    if sample == "list":
        screen.show_table(("Event", "What it tells"), TITLES.items())
        raise typer.Exit
    return sample


def invoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A function's name or ARN.", autocompletion=function_names)],
    event: Annotated[str | None, typer.Argument(help="The same as --payload; - reads stdin.")] = None,
    payload: Annotated[str | None, typer.Option(metavar="JSON", help="The event; - reads stdin, else {}.")] = None,
    payload_file: Annotated[Path | None, typer.Option(metavar="PATH", help="A file with the event.")] = None,
    sample: Annotated[
        str | None,
        typer.Option(
            "--event",
            metavar="SOURCE",
            help="A sample event, such as s3-put; `--event list` shows them all.",
            callback=_list_samples,
            is_eager=True,
            autocompletion=one_of(TITLES),
        ),
    ] = None,
    qualifier: Annotated[str | None, typer.Option(help="A version or an alias.")] = None,
    file: Annotated[list[str] | None, typer.Option(metavar="KEY=PATH", help="Put a file in, as base64.")] = None,
    save: Annotated[list[str] | None, typer.Option(metavar="KEY=PATH", help="Save base64 of the answer.")] = None,
    log: Annotated[bool, typer.Option(help="Show the end of the invocation's log.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer, log and cost as JSON.")] = False,
) -> None:
    """Send an event to a function; exit status 1 when the function failed."""
    text = with_files(read_event(payload if payload is not None else event, payload_file, sample), file or [])
    answer = call(connect(context).client("lambda"), name, text, qualifier)
    shown = answer.result if answer.error else save_files(answer.result, save or [])
    if as_json:
        screen.show_json(answer.as_members() | {"result": shown})
    else:
        print(shown if isinstance(shown, str) else json.dumps(shown, indent=2, ensure_ascii=False))
        tell(answer, log=log)
    raise typer.Exit(1 if answer.error else 0)


def call(functions: Any, name: str, event: str, qualifier: str | None = None) -> Answer:
    """Invoke by the client `functions` and read the answer with the end of its log."""
    asked = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    started = time.perf_counter()
    answer = functions.invoke(**asked, Payload=event.encode(), LogType="Tail")
    payload = answer["Payload"].read()
    answered_ms = (time.perf_counter() - started) * 1000
    lines = log_lines(answer.get("LogResult", ""))
    report = find_report(lines)
    return Answer(
        result=_value(payload),
        error=answer.get("FunctionError"),
        version=answer.get("ExecutedVersion", ""),
        request_id=answer["ResponseMetadata"].get("RequestId", ""),
        answered_ms=answered_ms,
        log=tuple(lines),
        report=report,
        cost=None if report is None else _cost(report, functions.get_function_configuration(**asked)),
    )


def tell(answer: Answer, *, log: bool) -> None:
    """The log, the report and the cost for a person, on stderr."""
    if answer.error:
        screen.say(f"The function failed ({answer.error}).", style="bold red")
    if log:
        for line in answer.log:
            if not is_report(line):
                screen.say(line, style="dim")
    if answer.report is not None:
        screen.say(answer.report.sentence, style="cyan")
    if answer.report is not None and answer.cost is not None:
        screen.say(cost_sentence(answer.cost), style="cyan")


def cost_sentence(cost: Cost) -> str:
    """`≈ $0.0000000021 at AWS's price, and $0.0000002000 for the request`."""
    return f"≈ {in_dollars(cost.compute)} at AWS's price, and {in_dollars(cost.request)} for the request"


def _cost(report: UsageReport, configuration: Mapping[str, Any]) -> Cost:
    architecture = configuration.get("Architectures", ["x86_64"])[0]
    return cost(billed_ms=report.billed_ms, memory_mb=report.memory_mb, architecture=architecture)


def _value(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        # A custom runtime may answer with anything; Lambda hands it on as it is.
        return payload.decode(errors="replace")
