"""What may be done to a bucket without a signature: what its policy allows to everybody."""

from collections.abc import Callable

from stoker.identity.authority import Authority
from stoker.identity.callers import ANONYMOUS
from stoker.identity.evaluation import NOBODYS
from stoker.model.access import Access, AccessTable, Where
from stoker.objects.errors import AccessDenied
from stoker.wire.message import Call


class PublicAccess:
    """Decides on calls of S3 that nobody has signed. `lets_in` says whether a resource's bucket lets in strangers."""

    def __init__(self, authority: Authority, access: AccessTable, lets_in: Callable[[str], bool]) -> None:
        self._authority = authority
        self._access = access
        self._lets_in = lets_in

    def __repr__(self) -> str:
        return f"<PublicAccess {self._authority!r}>"

    async def check(self, call: Call) -> None:
        """Raises AccessDenied unless everything that the call needs is open to everybody."""
        row = self._access.get(call.operation)
        if row is None:
            raise AccessDenied()
        where = Where(region=call.region, account=call.account)
        for each in (row.instead(call.params) or row, *row.also):
            for resource in each.resources(call.params, where):
                await self._check(call, each, resource)

    async def _check(self, call: Call, row: Access, resource: str) -> None:
        if not self._lets_in(resource):
            raise AccessDenied()
        facts = self._authority.circumstances(
            ANONYMOUS, call.region, source_ip=call.source_ip, tls=call.is_secure, own=row.context(call.params)
        )
        policy = await self._authority.policy_of("s3", resource)
        decision, _ = self._authority.decide(NOBODYS, policy, row.action, resource, facts)
        if not decision.allowed:
            raise AccessDenied()
