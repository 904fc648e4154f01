"""Which stream a call is about: by its name, or by its ARN."""

from collections.abc import Mapping
from typing import Any

from stoker.model.errors import NotBuiltError
from stoker.streams.errors import InvalidArgument
from stoker.wire.message import Call


def stream_name(call: Call) -> str:
    """InvalidArgumentException where neither is given, or they differ."""
    refuse_unbuilt(call.params)
    name, arn = call.params.get("StreamName"), call.params.get("StreamARN")
    if arn is None:
        if name is None:
            raise InvalidArgument("Either StreamName or StreamARN must be specified.")
        return str(name)
    in_arn = name_in(arn)
    if name not in (None, in_arn):
        raise InvalidArgument(f"StreamName {name} and StreamARN {arn} are not of one stream.")
    return in_arn


def name_in(arn: str) -> str:
    """The stream's name in an ARN."""
    resource = arn.split(":", 5)[-1]
    kind, _, name = resource.partition("/")
    if kind != "stream" or not name or "/" in name:
        raise InvalidArgument(f"Invalid ARN: {arn}")
    return name


def refuse_unbuilt(params: Mapping[str, Any], *names: str) -> None:
    """What would be taken and not obeyed."""
    for name in names or ("StreamId", "DryRun"):
        if params.get(name):
            raise NotBuiltError(f"{name} is not there yet in Stoker.")
