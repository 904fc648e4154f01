"""What no table here has, told as AWS tells it: Terraform and the like read it back of tables."""

from collections.abc import Mapping
from typing import Any

from stoker.items.errors import PolicyNotFound
from stoker.items.table_rules import table_name
from stoker.items.tables import Tables
from stoker.services.dynamodb.table_operations import arn_table
from stoker.wire.message import Call


class Unconfigured:
    """Answers for tables that are there; raises ResourceNotFound for others."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def describe_kinesis_streaming_destination(self, call: Call) -> Mapping[str, Any]:
        return {"TableName": await self._found(call), "KinesisDataStreamDestinations": []}

    async def describe_contributor_insights(self, call: Call) -> Mapping[str, Any]:
        return {
            "TableName": await self._found(call),
            "IndexName": call.params.get("IndexName"),
            "ContributorInsightsStatus": "DISABLED",
        }

    async def get_resource_policy(self, call: Call) -> Mapping[str, Any]:
        await self._tables.find(call.region, arn_table(call.params["ResourceArn"]))
        raise PolicyNotFound()

    async def delete_resource_policy(self, call: Call) -> Mapping[str, Any]:
        """Nothing is what it removes; whoever names a revision is told that it is not there."""
        await self._tables.find(call.region, arn_table(call.params["ResourceArn"]))
        if "ExpectedRevisionId" in call.params:
            raise PolicyNotFound()
        return {}

    async def _found(self, call: Call) -> str:
        return (await self._tables.find(call.region, table_name(call.params["TableName"]))).name
