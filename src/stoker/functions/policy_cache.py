"""Functions' policies at hand, for whoever asks at every delivery and call."""

from collections import OrderedDict

from stoker.functions.changes import Changes
from stoker.functions.permissions import Permissions
from stoker.model.arn import FunctionId, parse_function_reference
from stoker.model.errors import ResourceNotFoundException

# A function's policies are at most some 20 KB for each of its qualifiers.
CACHED_FUNCTIONS = 10_000
CACHED_QUALIFIERS = 100


class PolicyCache:
    """The least recently used functions go first. `bindings` announces every change of a function's policies."""

    def __init__(self, permissions: Permissions, bindings: Changes) -> None:
        self._permissions = permissions
        self._known: OrderedDict[tuple[str, str], dict[str | None, str | None]] = OrderedDict()
        self._changes = 0
        bindings.subscribe(self._forget)

    def __repr__(self) -> str:
        return f"<PolicyCache {len(self._known)} functions>"

    async def of(self, arn: str) -> str | None:
        """The policy of a function, version or alias, in JSON; None where there is none, or not even a function."""
        reference = parse_function_reference(arn)
        if reference is None or reference.region is None or reference.account is None:
            return None
        key, qualifier = (reference.region, reference.name), reference.qualifier
        known = self._known.get(key)
        if known is not None and qualifier in known:
            self._known.move_to_end(key)
            return known[qualifier]
        changes = self._changes
        function = FunctionId(account=reference.account, region=reference.region, name=reference.name)
        try:
            text = (await self._permissions.get(function, qualifier)).document
        except ResourceNotFoundException:
            return None
        if changes == self._changes:
            self._keep(key, qualifier, text)
        return text

    def _keep(self, key: tuple[str, str], qualifier: str | None, text: str) -> None:
        known = self._known.setdefault(key, {})
        if len(known) >= CACHED_QUALIFIERS:
            known.clear()
        known[qualifier] = text
        if len(self._known) > CACHED_FUNCTIONS:
            self._known.popitem(last=False)

    def _forget(self, region: str, name: str) -> None:
        self._changes += 1
        self._known.pop((region, name), None)
