"""What an account uses of its quotas, in one region."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.store.tables_functions import function_versions, functions, layer_versions


@dataclass(frozen=True, kw_only=True)
class AccountUsage:
    """The bytes of the zips of every version of every function and layer, and the number of functions."""

    total_code_size: int
    function_count: int


def code_storage_used(conn: Connection, region: str) -> int:
    """The bytes of all zips, each counted for every version that has it, as AWS does."""
    return sum(
        conn.execute(
            sa.select(sa.func.coalesce(sa.func.sum(table.c.code_size), 0)).where(table.c.region == region)
        ).scalar_one()
        for table in (function_versions, layer_versions)
    )


def read_usage(conn: Connection, region: str) -> AccountUsage:
    """What is used now."""
    count = sa.select(sa.func.count()).select_from(functions).where(functions.c.region == region)
    return AccountUsage(
        total_code_size=int(code_storage_used(conn, region)), function_count=conn.execute(count).scalar_one()
    )
