"""CloudWatch: metrics, which are kept in the telemetry."""

from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.cloudwatch.service import CloudWatchService


async def build(platform: Platform) -> Area:
    math = MetricMath()
    service = CloudWatchService(telemetry=platform.telemetry, clock=platform.clock, math=math)
    return Area(services=[service])
