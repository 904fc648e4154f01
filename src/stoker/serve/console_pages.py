"""The web console with all its pages."""

import asyncio

from stoker.console.app import Console
from stoker.console.assets import Assets
from stoker.console.aws import Door
from stoker.console.pages.bill import BillPage
from stoker.console.pages.buckets import BucketPages
from stoker.console.pages.configuration import ConfigurationPage
from stoker.console.pages.creating import Creating
from stoker.console.pages.environments import EnvironmentPages
from stoker.console.pages.function import FunctionPage
from stoker.console.pages.functions import FunctionList
from stoker.console.pages.logs import LogPages
from stoker.console.pages.monitoring import MonitoringPage
from stoker.console.pages.queues import QueuePages
from stoker.console.pages.schedules import SchedulePages
from stoker.console.pages.signing_in import SigningIn
from stoker.console.pages.tables import TablePages
from stoker.console.pages.triggers import TriggersPage
from stoker.console.pages.versions import VersionsPage
from stoker.console.routing import Part
from stoker.console.sessions import Sessions
from stoker.serve.late_door import LateDoor
from stoker.serve.platform import Platform


async def open_console(platform: Platform, late: LateDoor) -> Console:
    """`late` becomes the front door, through which it calls the APIs."""
    settings = platform.settings
    door = Door(application=late, endpoint=settings.endpoint_at(settings.port))
    parts: list[Part] = [
        FunctionList(platform.telemetry),
        Creating(platform.runtimes),
        EnvironmentPages(platform.fleet),
        ConfigurationPage(platform.runtimes),
        TriggersPage(),
        VersionsPage(),
        LogPages(platform.telemetry),
        MonitoringPage(),
        # What takes any name comes after what has one.
        FunctionPage(),
        QueuePages(),
        BucketPages(),
        TablePages(),
        SchedulePages(),
        BillPage(),
    ]
    return Console(
        [route for part in parts for route in part.routes],
        door=door,
        sessions=Sessions(clock=platform.clock, port=settings.port),
        signing_in=SigningIn(door, region=settings.region),
        assets=await asyncio.to_thread(Assets),
    )
