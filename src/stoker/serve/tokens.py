"""The Security Token Service."""

from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.sts.service import StsService


async def build(_platform: Platform) -> Area:
    return Area(services=[StsService()])
