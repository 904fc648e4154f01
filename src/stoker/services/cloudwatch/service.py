"""The CloudWatch API: which operation is served by what."""

from collections.abc import Mapping

from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.telemetry import Telemetry
from stoker.services.cloudwatch.access import ACCESS
from stoker.services.cloudwatch.figures import Figures
from stoker.services.cloudwatch.metric_data import MetricData
from stoker.wire.operations import Method, operations_of


class CloudWatchService:
    """Metrics and what is asked of them."""

    name = "cloudwatch"
    access: AccessTable = ACCESS

    def __init__(self, *, telemetry: Telemetry, clock: Clock, math: MetricMath) -> None:
        self.operations: Mapping[str, Method] = operations_of(
            MetricData(telemetry, clock), Figures(telemetry, clock, math)
        )

    def __repr__(self) -> str:
        return "<CloudWatchService>"
