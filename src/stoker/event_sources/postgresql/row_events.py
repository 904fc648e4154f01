"""What becomes of PostgreSQL's messages: records of a stream, in DynamoDB's shape, each with its place. Pure.

A place is the commit's LSN and the change's number in its transaction. Transactions come in the order of their commits,
so places grow, and what was done with can be told from what was not however often it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from stoker.event_sources.poller import Record
from stoker.event_sources.postgresql.attribute_values import AttributeValue, AttributeValues
from stoker.event_sources.postgresql.pgoutput import (
    UNCHANGED,
    Begin,
    Change,
    Commit,
    Message,
    Relation,
    Row,
    Truncate,
    Unchanged,
)
from stoker.event_sources.shards import StreamRecord
from stoker.model.limits import MAX_INVOKE_REQUEST_BYTES

_NAMES = {"I": "INSERT", "U": "MODIFY", "D": "REMOVE"}
# Room for what is around the records, and for a tumbling window's state.
LARGEST_EVENT_BYTES = MAX_INVOKE_REQUEST_BYTES - 1_100_000


class Place(NamedTuple):
    """Written with as many digits as DynamoDB's sequence numbers, so that they can be compared as texts."""

    lsn: int = 0
    number: int = 0

    def __str__(self) -> str:
        return f"{self.lsn:020d}{self.number:010d}"

    @classmethod
    def of(cls, text: str) -> "Place":
        return cls(int(text[:-10]), int(text[-10:]))


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What an event tells of one change."""

    name: str
    relation: Relation
    old: Row | None = None
    new: Row | None = None
    old_key: Row | None = None


class RowEvents:
    """One connection's messages. `after` is the last place that is done with: nothing up to it is told again."""

    def __init__(self, source_arn: str, after: Place, values: AttributeValues) -> None:
        self._arn = source_arn
        self._region = source_arn.split(":")[3]
        self._after = after
        self._values = values
        self._relations: dict[int, Relation] = {}
        self._begin = Begin(lsn=0, committed_at=0.0, xid=0)
        self._number = 0
        self.in_transaction = False

    def take(self, message: Message) -> Sequence[StreamRecord]:
        """The records that a message makes."""
        match message:
            case Begin():
                self._begin, self._number, self.in_transaction = message, 0, True
            case Commit():
                self.in_transaction = False
            case Relation():
                self._relations[message.oid] = message
            case Change():
                relation = self._relations[message.relation]
                name = _NAMES[message.kind]
                told = _Told(name=name, relation=relation, old=message.old, new=message.new, old_key=message.old_key)
                return self._told([told])
            case Truncate():
                return self._told([_Told(name="TRUNCATE", relation=self._relations[oid]) for oid in message.relations])
            case _:
                pass
        return []

    def _told(self, changes: Sequence[_Told]) -> Sequence[StreamRecord]:
        records = []
        for told in changes:
            self._number += 1
            place = Place(self._begin.lsn, self._number)
            if place > self._after:
                records.append(self._record(told, place))
        return records

    def _record(self, told: _Told, place: Place) -> StreamRecord:
        view = self._view(told, place)
        event = msgspec.json.encode(view)
        for too_large in (("NewImage", "OldImage"), ("Keys",)):
            if len(event) <= LARGEST_EVENT_BYTES:
                break
            # No function could be given it. The keys tell where the row is to be had.
            view["dynamodb"] = {name: each for name, each in view["dynamodb"].items() if name not in too_large}
            view["dynamodb"]["ImagesOmitted"] = True
            event = msgspec.json.encode(view)
        return StreamRecord(
            record=Record(id=str(place), event=event, view=view),
            key=f"{told.relation.schema}.{told.relation.name}",
            arrived_at=self._begin.committed_at,
            position=str(place),
        )

    def _view(self, told: _Told, place: Place) -> dict[str, Any]:
        relation = told.relation
        change: dict[str, Any] = {"ApproximateCreationDateTime": self._begin.committed_at}
        before = told.old if told.old is not None else told.old_key
        if (key_of := told.new if told.new is not None else before) is not None:
            change["Keys"] = self._image(relation, key_of, keys_only=True)
        if told.new is not None:
            new = _completed(told.new, told.old)
            change["NewImage"] = self._image(relation, new)
            unchanged = [column.name for column, value in zip(relation.columns, new, strict=True) if value is UNCHANGED]
            if unchanged:
                change["UnchangedColumns"] = unchanged
        if before is not None and (told.old is not None or told.new is not None):
            change["OldImage"] = self._image(relation, before, keys_only=told.old is None)
        change["SequenceNumber"] = str(place)
        sizes = [len(each) for row in (told.new, before) for each in row or () if isinstance(each, bytes)]
        change["SizeBytes"] = sum(sizes)
        change["StreamViewType"] = "NEW_AND_OLD_IMAGES" if relation.identity == "f" else "NEW_IMAGE"
        return {
            "eventID": str(place),
            "eventName": told.name,
            "eventVersion": "1.1",
            "eventSource": "stoker:postgresql",
            "awsRegion": self._region,
            "relation": {"schema": relation.schema, "name": relation.name},
            "transactionId": self._begin.xid,
            "dynamodb": change,
            "eventSourceARN": self._arn,
        }

    def _image(self, relation: Relation, row: Row, *, keys_only: bool = False) -> dict[str, AttributeValue]:
        return {
            column.name: self._values.read(column.type_oid, value)
            for column, value in zip(relation.columns, row, strict=True)
            if (column.is_key or not keys_only) and not isinstance(value, Unchanged)
        }


def _completed(new: Row, old: Row | None) -> Row:
    """What is stored apart and was not changed is as it was, where that is told."""
    return new if old is None else [was if value is UNCHANGED else value for value, was in zip(new, old, strict=True)]
