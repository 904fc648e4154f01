"""Alarms at work: on a real store and telemetry, with a clock that the test moves and targets that it looks into."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.loop import until
from fakes.outbox import OutboxBench
from stoker.alarms.alarm import State
from stoker.alarms.alarms import Alarms
from stoker.alarms.evaluator import Evaluator
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.points import Metric, Points, dimensions_text
from stoker.observability.telemetry import Telemetry, open_telemetry
from stoker.store.store import open_store

REGION, ACCOUNT = "us-east-1", "000000000000"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:heal"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"


class AlarmBench(OutboxBench):
    """Alarms, their evaluation and an outbox."""

    telemetry: Telemetry
    evaluator: Evaluator

    def new(self, owner: str = "here") -> None:
        super().new(owner)
        for service in ("sns", "lambda", "events"):
            self.targets.register(service, self.inbox.deliver)
        self.alarms = Alarms(
            store=self.store,
            outbox=self.outbox,
            clock=self.clock,
            account=ACCOUNT,
            region_name=lambda region: f"the region {region}",
        )

    async def watch(self, **settings: Any) -> None:
        rules = {
            "Namespace": "Shop",
            "MetricName": "sold",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "missing",
            "ActionsEnabled": True,
            "AlarmActions": [TOPIC, FUNCTION],
            "AlarmDescription": "too much",
            **settings,
        }
        await self.alarms.put(REGION, "busy", rules, {})

    async def sell(self, value: float) -> None:
        points = Points()
        points.add(Metric(REGION, "Shop", "sold", dimensions_text({})), "Count", self.clock.time(), value)
        self.telemetry.measure(points)

    async def later(self, seconds: float) -> None:
        """Move on, once all is evaluated and the next time for it is set."""
        evaluator = self.evaluator
        await until(lambda: evaluator._turn is None and evaluator._timer is not None)
        self.clock.advance(seconds)

    async def state(self) -> str:
        alarm = await self.alarms.get(REGION, "busy")
        assert alarm is not None
        return alarm.state.value

    async def becomes(self, value: str) -> None:
        async with asyncio.timeout(60):
            while await self.state() != value:  # noqa: ASYNC110 - the database does not signal
                await asyncio.sleep(0)

    def told(self) -> dict[str, Any]:
        return {delivery.target: json.loads(delivery.body) for delivery in self.inbox.taken}


Scenario = Callable[[AlarmBench], Awaitable[None]]


@pytest.fixture
def run(store_url: str, tmp_path: Path) -> Callable[[Scenario], None]:
    def run(scenario: Scenario) -> None:
        async def main() -> None:
            bench = AlarmBench(open_store(store_url))
            bench.telemetry = await open_telemetry(tmp_path, bench.clock)
            evaluator = bench.evaluator = Evaluator(
                alarms=bench.alarms, telemetry=bench.telemetry, clock=bench.clock, math=MetricMath()
            )
            try:
                await bench.outbox.start()
                await evaluator.start()
                await scenario(bench)
            finally:
                await evaluator.close()
                await bench.outbox.close(limit_s=1.0)
                await bench.telemetry.close()
                await bench.store.close()

        asyncio.run(main())

    return run


def test_an_alarm_goes_off_once_a_period_is_over_and_tells_topic_function_and_bus(run: Any) -> None:
    async def scenario(bench: AlarmBench) -> None:
        await bench.watch()
        await bench.sell(9.0)
        await bench.later(70)
        await bench.becomes("ALARM")
        await until(lambda: len(bench.inbox.taken) >= 3)
        told = bench.told()
        topic = told[TOPIC]
        assert (topic["AlarmName"], topic["NewStateValue"], topic["OldStateValue"]) == (
            "busy",
            "ALARM",
            "INSUFFICIENT_DATA",
        )
        assert topic["Region"] == "the region us-east-1"
        assert topic["Trigger"]["Statistic"] == "SUM" and topic["Trigger"]["MetricName"] == "sold"
        function = told[FUNCTION]
        assert function["source"] == "aws.cloudwatch"
        assert function["alarmData"]["state"]["value"] == "ALARM"
        assert function["alarmData"]["configuration"]["metrics"][0]["metricStat"] == {
            "metric": {"namespace": "Shop", "name": "sold", "dimensions": {}},
            "period": 60,
            "stat": "Sum",
        }
        assert told[BUS]["detail-type"] == "CloudWatch Alarm State Change"
        assert told[BUS]["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
        callers = {delivery.target: delivery.caller for delivery in bench.inbox.taken}
        assert callers[FUNCTION] == "lambda.alarms.cloudwatch.amazonaws.com"
        assert callers[TOPIC] == callers[BUS] == "cloudwatch.amazonaws.com"

    run(scenario)


def test_an_alarm_comes_back_by_itself_and_says_so_on_the_bus_only(run: Any) -> None:
    async def scenario(bench: AlarmBench) -> None:
        await bench.watch(AlarmActions=[])
        await bench.sell(9.0)
        await bench.later(70)
        await bench.becomes("ALARM")
        await bench.sell(1.0)
        await bench.later(60)
        await bench.becomes("OK")
        await until(lambda: len(bench.inbox.taken) >= 2)
        assert {delivery.target for delivery in bench.inbox.taken} == {BUS}

    run(scenario)


def test_a_state_that_was_set_stays_until_it_is_time(run: Any) -> None:
    async def scenario(bench: AlarmBench) -> None:
        await bench.sell(1.0)
        bench.clock.advance(66)
        await bench.watch(ActionsEnabled=False)
        await bench.becomes("OK")
        alarm = await bench.alarms.get(REGION, "busy")
        assert alarm is not None
        state = State(value="ALARM", reason="a test", updated_at=bench.clock.time())
        assert await bench.alarms.come_into(alarm, state)
        assert await bench.state() == "ALARM"
        assert not await bench.alarms.come_into(alarm, state)
        await until(lambda: len(bench.inbox.taken) >= 2)
        assert {delivery.target for delivery in bench.inbox.taken} == {BUS}
        await bench.sell(1.0)
        await bench.later(66)
        await bench.becomes("OK")

    run(scenario)


def test_an_alarm_watches_what_an_expression_gives(run: Any) -> None:
    async def scenario(bench: AlarmBench) -> None:
        metric = {"Namespace": "Shop", "MetricName": "sold"}
        await bench.alarms.put(
            REGION,
            "busy",
            {
                "Metrics": [
                    {
                        "Id": "m1",
                        "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
                        "ReturnData": False,
                    },
                    {"Id": "e1", "Expression": "m1 * 10"},
                ],
                "EvaluationPeriods": 1,
                "DatapointsToAlarm": 1,
                "Threshold": 50.0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "missing",
                "ActionsEnabled": True,
            },
            {},
        )
        await bench.sell(6.0)
        await bench.later(70)
        await bench.becomes("ALARM")

    run(scenario)


def test_history_is_kept_for_so_long_and_is_so_long_at_most(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stoker.alarms.alarms.MOST_HISTORY", 3)

    async def summaries(bench: AlarmBench) -> list[str]:
        found = await bench.alarms.history(REGION, "busy", kind=None, since=0.0, until=bench.clock.time())
        return [item.summary for item in found]

    async def scenario(bench: AlarmBench) -> None:
        await bench.watch()
        await bench.watch(Threshold=7.0)
        assert await summaries(bench) == [
            'Alarm "busy" created',
            'Alarm "busy" updated',
        ]
        for _ in range(3):
            await bench.watch()
        assert await summaries(bench) == ['Alarm "busy" updated'] * 3
        assert await bench.alarms.delete(REGION, ["busy", "other"]) == ["other"]
        assert await bench.alarms.delete(REGION, ["busy"]) == []
        assert (await summaries(bench))[-1] == 'Alarm "busy" deleted'

    run(scenario)
