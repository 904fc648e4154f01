"""Deliveries from one service to another, and functions as their targets."""

from stoker.invocations.function_target import FunctionTarget
from stoker.serve.area import Area
from stoker.serve.platform import Platform


async def build(platform: Platform) -> Area:
    platform.targets.register("lambda", FunctionTarget(platform.events).deliver)
    return Area(begin=platform.outbox.start, end=platform.outbox.close)
