"""A function that hears a source, and what it was given: on a live server, with plain boto3."""

import json
import uuid
from typing import Any

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

# What it got is kept in another table, since logs are searched more slowly than tables are read.
KEEPS = """
    import json, os, time
    import boto3
    dynamodb = boto3.client("dynamodb")
    def handler(event, context):
        kept = {"id": {"S": context.aws_request_id}, "at": {"N": str(time.time())}, "event": {"S": json.dumps(event)}}
        dynamodb.put_item(TableName=os.environ["KEPT"], Item=kept)
        if "window" in event:
            return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}
        if os.environ.get("BAD"):
            bad = [each["dynamodb"]["SequenceNumber"] for each in event["Records"]
                   if each["dynamodb"]["Keys"]["id"]["S"] == os.environ["BAD"]]
            return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]}
"""
ID = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
      "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip


class Hearing:
    """A function, a source that is mapped to it, and a table of what it was given."""

    def __init__(self, server: LiveServer, source_arn: str, *, bad: str = "") -> None:
        self.dynamodb = server.client("dynamodb")
        self.functions = server.client("lambda")
        self.source_arn = source_arn
        self.kept = f"kept-{uuid.uuid4().hex}"
        self.dynamodb.create_table(TableName=self.kept, **ID)
        variables = {"KEPT": self.kept, "BAD": bad}
        self.function = Deployment(self.functions).deploy(KEEPS, Environment={"Variables": variables})

    def map(self, **options: Any) -> dict[str, Any]:
        """A mapping that is enabled."""
        made: dict[str, Any] = self.functions.create_event_source_mapping(
            EventSourceArn=self.source_arn,
            FunctionName=self.function,
            **{"StartingPosition": "TRIM_HORIZON", **options},
        )
        self.until_state(made["UUID"], "Enabled")
        return made

    def until_state(self, mapping: str, state: str) -> None:
        eventually(
            lambda: self.functions.get_event_source_mapping(UUID=mapping)["State"] == state,
            f"the mapping to be {state}",
        )

    def events(self) -> list[dict[str, Any]]:
        """What the function got, in the order in which it did."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.kept, ConsistentRead=True)
        kept = sorted((item for page in pages for item in page["Items"]), key=lambda item: float(item["at"]["N"]))
        return [json.loads(item["event"]["S"]) for item in kept]

    def records(self) -> list[dict[str, Any]]:
        return [record for event in self.events() for record in event["Records"]]


class Rows(Hearing):
    """With a table, whose stream is the source."""

    def __init__(self, server: LiveServer, *, view: str = "NEW_AND_OLD_IMAGES", bad: str = "") -> None:
        self.table = f"rows-{uuid.uuid4().hex}"
        stream = {"StreamEnabled": True, "StreamViewType": view}
        made = server.client("dynamodb").create_table(TableName=self.table, StreamSpecification=stream, **ID)
        super().__init__(server, made["TableDescription"]["LatestStreamArn"], bad=bad)

    def put(self, *names: str, **attributes: Any) -> None:
        for name in names:
            self.dynamodb.put_item(TableName=self.table, Item={"id": {"S": name}, **attributes})

    def names(self) -> list[str]:
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in self.records()]
