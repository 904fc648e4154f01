import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from fakes.clock import FakeClock
from stoker.model.principal import Principal
from stoker.observability.telemetry import Telemetry, open_telemetry
from stoker.services.logs.service import LogsService
from stoker.wire.message import Call
from stoker.wire.operations import result_of

MODEL = botocore.session.get_session().get_service_model("logs")
ACCOUNT = "123456789012"
PRINCIPAL = Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, access_key="A")


class Logs:
    """CloudWatch Logs as a client sees it: `await logs("CreateLogGroup", logGroupName="g")`.

    Every request and every answer is held against botocore's model.
    """

    def __init__(self, telemetry: Telemetry, clock: FakeClock) -> None:
        self.telemetry = telemetry
        self.clock = clock
        self.service = LogsService(telemetry, clock)

    @property
    def now_ms(self) -> int:
        return int(self.clock.time() * 1000)

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        model = MODEL.operation_model(operation)
        assert not ParamValidator().validate(params, model.input_shape).has_errors()
        call = Call(
            service="logs",
            operation=operation,
            params=params,
            region="us-east-1",
            account=ACCOUNT,
            principal=PRINCIPAL,
            request_id="req-1",
            source_ip="127.0.0.1",
        )
        answer = dict(result_of(await self.service.operations[xform_name(operation)](call)).members)
        if operation != "StartLiveTail" and model.output_shape is not None:
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), report.generate_report()
        return answer

    async def put(
        self, *messages: str, group: str = "g", stream: str = "s", at_ms: int | None = None
    ) -> dict[str, Any]:
        """One event a millisecond, from `at_ms` (now)."""
        start = self.now_ms if at_ms is None else at_ms
        events = [{"timestamp": start + number, "message": text} for number, text in enumerate(messages)]
        return await self("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)

    async def with_stream(self, group: str = "g", *streams: str) -> None:
        await self("CreateLogGroup", logGroupName=group)
        for stream in streams or ("s",):
            await self("CreateLogStream", logGroupName=group, logStreamName=stream)


Scenario = Callable[[Logs], Awaitable[Any]]


@pytest.fixture
def with_logs(tmp_path: Path) -> Callable[[Scenario], Any]:
    """Runs a scenario against an empty CloudWatch Logs."""

    async def run(scenario: Scenario) -> Any:
        clock = FakeClock()
        telemetry = await open_telemetry(tmp_path, clock)
        logs = Logs(telemetry, clock)
        try:
            return await scenario(logs)
        finally:
            await logs.service.insights.close()
            await telemetry.close()

    return lambda scenario: asyncio.run(run(scenario))
