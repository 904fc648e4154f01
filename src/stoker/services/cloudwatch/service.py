"""The CloudWatch API: which operation is served by what."""

from collections.abc import Mapping

from stoker.alarms.alarms import Alarms
from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.telemetry import Telemetry
from stoker.services.cloudwatch.access import ACCESS
from stoker.services.cloudwatch.alarm_operations import AlarmOperations
from stoker.services.cloudwatch.figures import Figures
from stoker.services.cloudwatch.metric_data import MetricData
from stoker.wire.operations import Method, operations_of


class CloudWatchService:
    """Metrics, what is asked of them, and alarms."""

    name = "cloudwatch"
    access: AccessTable = ACCESS

    def __init__(self, *, telemetry: Telemetry, alarms: Alarms, clock: Clock, math: MetricMath) -> None:
        self._alarms = alarms
        self.operations: Mapping[str, Method] = operations_of(
            MetricData(telemetry, clock),
            Figures(telemetry, clock, math),
            AlarmOperations(alarms=alarms, clock=clock, math=math),
        )

    def __repr__(self) -> str:
        return "<CloudWatchService>"

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of an alarm, by its ARN."""
        alarm = await self._alarms.get(arn.split(":")[3], arn.partition(":alarm:")[2])
        return {} if alarm is None else alarm.tags
