"""CloudWatch Logs, and the bill: both are read from the telemetry."""

from stoker.front_door.bill import BillPage
from stoker.observability.prices import load_prices
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.logs.service import LogsService


async def build(platform: Platform) -> Area:
    bill = BillPage(
        telemetry=platform.telemetry,
        verifier=platform.verifier,
        prices=load_prices(platform.settings.prices),
        clock=platform.clock,
    )
    service = LogsService(telemetry=platform.telemetry, clock=platform.clock)
    return Area(
        services=[service],
        pages={"bill": bill.answer},
        let_go=service.live_tail.let_go,
        end=service.insights.close,
    )
