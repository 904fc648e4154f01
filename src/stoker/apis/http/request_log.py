"""The access log: a line for each request, in the log group that its stage names; and the ids that tell them apart."""

import base64
import os
import random

from stoker.apis.http.access_log import write_line
from stoker.apis.http.exchange import Exchange
from stoker.model.clock import Clock
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability.telemetry import Telemetry


class RequestLog:
    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    def write(self, exchange: Exchange) -> None:
        """The line of an exchange that has its answer, where its stage wants one."""
        target = exchange.stage.log
        if target is not None:
            exchange.ended_at = self._clock.time()
            stream = LogStream(region=target.region, group=target.group, stream=exchange.request.call.api_id)
            line = write_line(target.line, exchange.context)
            self._telemetry.append(stream, [LogEvent(timestamp_ms=int(exchange.ended_at * 1000), message=line)])


def new_request_id() -> str:
    """In the form that API Gateway's have. It need not be unguessable, only unlike all others."""
    return base64.urlsafe_b64encode(random.randbytes(11)).decode()


def new_connection_id() -> str:
    """In the same form, and nobody guesses it."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()
