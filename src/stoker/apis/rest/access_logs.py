"""Access logs of stages: a line for each request, in the log group that the stage names.

Source: "Set up CloudWatch logging for REST APIs in API Gateway" in the API Gateway developer guide.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.http.access_log import Line, parse_format, write_line
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability.telemetry import Telemetry

_GROUP_ARN = re.compile(r"arn:aws[a-z-]*:logs:([a-z0-9-]+):\d{12}:log-group:([^:]+)(?::\*)?")
_ONE_OF = ("$context.requestId", "$context.extendedRequestId")


@dataclass(frozen=True, kw_only=True)
class LogTarget:
    """Where a stage's lines go, and what they have."""

    region: str
    group: str
    line: Line


def read_settings(settings: Mapping[str, Any] | None) -> LogTarget | None:
    """The target of a stage's accessLogSettings. Raises BadRequestException, NotBuiltError."""
    if not settings or not settings.get("destinationArn"):
        return None
    arn, form = settings["destinationArn"], settings.get("format") or ""
    if ":firehose:" in arn:
        raise NotBuiltError("Access logs to Firehose are not there yet in Stoker.")
    found = _GROUP_ARN.fullmatch(arn)
    if found is None:
        raise BadRequestException(
            "Invalid ARN specified in the request. ARNs must start with 'arn:aws:' and specify a log group."
        )
    if "\n" in form.rstrip("\n") or not any(name in form for name in _ONE_OF):
        raise BadRequestException(
            "Access Log format must be single line, JSON, XML, CSV and contain at least $context.requestId or "
            "$context.extendedRequestId"
        )
    return LogTarget(region=found[1], group=found[2], line=parse_format(form))


class AccessLogs:
    """Writes lines."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    def __repr__(self) -> str:
        return "<AccessLogs>"

    def write(self, target: LogTarget, api_id: str, value: Callable[[str], str | None]) -> None:
        """A line; `value` gives the variables of $context by their names."""
        stream = LogStream(region=target.region, group=target.group, stream=api_id)
        now_ms = int(self._clock.time() * 1000)
        self._telemetry.append(stream, [LogEvent(timestamp_ms=now_ms, message=write_line(target.line, value))])
