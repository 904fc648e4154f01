"""What a function's tags choose of Stoker's own, without a database in each cold start."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from stoker.functions.drafts import ENVIRONMENT_TAG, FRESH, SANDBOX_TAG
from stoker.model.arn import FunctionId
from stoker.model.errors import ResourceNotFoundException

CACHED_FUNCTIONS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """`sandbox` is None where it is left to the server; `fresh`: each invocation has an environment of its own."""

    sandbox: str | None
    fresh: bool


class Choices:
    """A bounded cache; `forget` must be called after each change of the tags that are obeyed."""

    def __init__(self, read_tags: Callable[[FunctionId], Awaitable[Mapping[str, str]]]) -> None:
        self._read_tags = read_tags
        self._known: OrderedDict[tuple[str, str], Choice] = OrderedDict()
        self._changes = 0

    async def of(self, function: FunctionId) -> Choice:
        """What the function chose."""
        key = (function.region, function.name)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        changes = self._changes
        try:
            tags = await self._read_tags(function)
        except ResourceNotFoundException:
            # Deleted while an invocation was on its way: that one still runs, and leaves nothing for another.
            return Choice(sandbox=None, fresh=True)
        choice = Choice(sandbox=tags.get(SANDBOX_TAG), fresh=tags.get(ENVIRONMENT_TAG) == FRESH)
        if changes == self._changes:
            self._known[key] = choice
            if len(self._known) > CACHED_FUNCTIONS:
                self._known.popitem(last=False)
        return choice

    def forget(self, region: str, name: str) -> None:
        """Something about this function changed."""
        self._changes += 1
        self._known.pop((region, name), None)
