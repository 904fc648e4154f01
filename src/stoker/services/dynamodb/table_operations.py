"""The operations on tables, their tags and their time to live."""

from collections.abc import Mapping
from typing import Any

from stoker.items.errors import ResourceNotFound, TableNotFound
from stoker.items.table import UPDATING, Table
from stoker.items.table_rules import table_name, tags_of
from stoker.items.tables import Tables, Tally
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.services.dynamodb.table_words import describe
from stoker.wire.message import Call

MAX_LISTED = 100


class TableOperations:
    """Tables made, changed, described and deleted."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def create_table(self, call: Call) -> Mapping[str, Any]:
        table = await self._tables.create(call.region, call.params)
        return {"TableDescription": describe(table, call.account, Tally(indexed={}), status="CREATING")}

    async def describe_table(self, call: Call) -> Mapping[str, Any]:
        table = await self._table(call)
        return {"Table": describe(table, call.account, await self._tables.tally(table))}

    async def list_tables(self, call: Call) -> Mapping[str, Any]:
        limit = call.params.get("Limit", MAX_LISTED)
        names = list(await self._tables.list(call.region, call.params.get("ExclusiveStartTableName", ""), limit + 1))
        last = {"LastEvaluatedTableName": names[limit - 1]} if len(names) > limit else {}
        return {"TableNames": names[:limit], **last}

    async def update_table(self, call: Call) -> Mapping[str, Any]:
        table = await self._tables.update(call.region, table_name(call.params["TableName"]), call.params)
        return {"TableDescription": describe(table, call.account, await self._tables.tally(table), status=UPDATING)}

    async def delete_table(self, call: Call) -> Mapping[str, Any]:
        table = await self._tables.delete(call.region, table_name(call.params["TableName"]))
        return {"TableDescription": describe(table, call.account, Tally(indexed={}), status="DELETING")}

    async def update_time_to_live(self, call: Call) -> Mapping[str, Any]:
        wanted = call.params["TimeToLiveSpecification"]
        name = table_name(call.params["TableName"])
        await self._tables.set_ttl(call.region, name, wanted["AttributeName"], wanted["Enabled"])
        return {"TimeToLiveSpecification": wanted}

    async def describe_time_to_live(self, call: Call) -> Mapping[str, Any]:
        attribute = (await self._table(call)).ttl_attribute
        if attribute is None:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}

    async def describe_continuous_backups(self, call: Call) -> Mapping[str, Any]:
        """Continuous backups are always on at AWS; what can be switched is going back to a point in time."""
        try:
            await self._table(call)
        except ResourceNotFound:
            raise TableNotFound(f"Table not found: {call.params['TableName']}") from None
        return {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
            }
        }

    async def update_continuous_backups(self, call: Call) -> Mapping[str, Any]:
        if call.params["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]:
            raise NotBuiltError("Point-in-time recovery is not there yet in Stoker; back up its database.")
        return await self.describe_continuous_backups(call)

    async def tag_resource(self, call: Call) -> None:
        added = tags_of(call.params["Tags"])
        await self._change_tags(call, lambda tags: {**tags, **added})

    async def untag_resource(self, call: Call) -> None:
        removed = frozenset(call.params["TagKeys"])
        await self._change_tags(call, lambda tags: {key: tags[key] for key in tags if key not in removed})

    async def list_tags_of_resource(self, call: Call) -> Mapping[str, Any]:
        table = await self._tables.find(call.region, arn_table(call.params["ResourceArn"]))
        return {"Tags": [{"Key": key, "Value": value} for key, value in table.tags.items()]}

    async def tags_of(self, region: str, name: str) -> Mapping[str, str]:
        """A table's tags, none for one that is not there."""
        try:
            return (await self._tables.find(region, name)).tags
        except ResourceNotFound:
            return {}

    async def _change_tags(self, call: Call, change: Any) -> None:
        await self._tables.change_tags(call.region, arn_table(call.params["ResourceArn"]), change)

    async def _table(self, call: Call) -> Table:
        return await self._tables.find(call.region, table_name(call.params["TableName"]))


def arn_table(arn: str) -> str:
    """The table that an ARN names."""
    name = table_name(arn) if arn.startswith("arn:") else None
    if name is None:
        raise ValidationException(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return name
