"""A queue as its rules see it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stoker.queues.attributes import Settings
from stoker.queues.errors import InvalidAddress, InvalidParameterValue

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PATH = re.compile(r"(?:[a-z]+://[^/]+)?/(?P<account>\d{12})/(?P<name>[A-Za-z0-9_.-]{1,80})/?")
FIFO_SUFFIX = ".fifo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """One queue. Messages are kept under `generation`, which a purge changes. Times in seconds since the epoch."""

    id: int
    generation: int
    account: str
    region: str
    name: str
    attributes: Mapping[str, str]
    settings: Settings
    tags: Mapping[str, str]
    created: float
    modified: float
    purged: float | None = None

    @property
    def arn(self) -> str:
        return queue_arn(self.region, self.account, self.name)


def queue_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:sqs:{region}:{account}:{name}"


def name_in_url(url: str, account: str) -> str | None:
    """The name of the queue that a URL (or its path) is the address of; None for another account's.

    Raises InvalidAddress for what is no queue's address.
    """
    match = _PATH.fullmatch(url)
    if match is None:
        raise InvalidAddress(f"The address {url} is not valid for this endpoint.")
    return match["name"] if match["account"] == account else None


def check_name(name: str, *, fifo: bool) -> None:
    """Raises InvalidParameterValue for what a queue cannot be called."""
    bare = name.removesuffix(FIFO_SUFFIX)
    if fifo and (bare == name or not _NAME.fullmatch(bare) or len(name) > 80):
        raise InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
            "must end with .fifo suffix and be 1 to 80 in length."
        )
    if not fifo and not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
