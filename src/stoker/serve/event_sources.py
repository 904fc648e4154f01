"""Event source mappings at work."""

from stoker.serve.area import Area
from stoker.serve.platform import Platform


async def build(platform: Platform) -> Area:
    return Area(begin=platform.mappings.start, let_go=platform.mappings.close)
