"""What holds for all REST APIs of a region."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from stoker.apis.errors import BadRequestException
from stoker.apis.rest import patches
from stoker.apis.rest.belongings import Belongings
from stoker.apis.rest.documents import Document
from stoker.store.store import Store

ACCOUNTS = Belongings("account", "Invalid account identifier specified")
_ID = "account"
_PATCHABLE = patches.Patchable(
    members={"cloudwatchRoleArn": patches.text},
    removable=frozenset({"cloudwatchRoleArn"}),
    sets=frozenset({"features"}),
)
_DEFAULTS: Mapping[str, Any] = {
    "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0},
    "features": ["UsagePlans"],
    "apiKeyVersion": "4",
}


def require_log_role(conn: Connection, region: str) -> None:
    """Raises BadRequestException unless there is a role that access logs are written as."""
    if "cloudwatchRoleArn" not in (ACCOUNTS.find(conn, region, _ID) or {}):
        raise BadRequestException("CloudWatch Logs role ARN must be set in account settings to enable logging")


class Accounts:
    """The role that access logs are written as. `is_role` says whether API Gateway may act as a role."""

    def __init__(self, store: Store, is_role: Callable[[str], bool]) -> None:
        self._store = store
        self._is_role = is_role

    def __repr__(self) -> str:
        return "<Accounts>"

    async def get(self, region: str) -> Document:
        return await self._store.read(lambda conn: self._read(conn, region))

    async def update(self, region: str, operations: Sequence[Mapping[str, Any]]) -> Document:
        def work(conn: Connection) -> Document:
            account = self._read(conn, region)
            patches.apply(account, operations, _PATCHABLE)
            role = account.get("cloudwatchRoleArn")
            if role is not None and not self._is_role(role):
                raise BadRequestException(
                    "The role ARN does not have required permissions configured. Please grant trust permission for API "
                    "Gateway and add the required role policy."
                )
            ACCOUNTS.save(conn, region, _ID, account)
            return account

        return await self._store.write(work)

    def _read(self, conn: Connection, region: str) -> Document:
        return {**_DEFAULTS, **(ACCOUNTS.find(conn, region, _ID) or {})}
