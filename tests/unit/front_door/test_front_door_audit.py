"""The audit log: what is written down, what is not, and that it stays."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from front_door_house import House

from stoker.front_door.audit import STRANGERS_A_MINUTE, Audit, identity_of, is_kept
from stoker.front_door.audit_log import AuditLog
from stoker.model.clock import SystemClock
from stoker.wire.api import ServiceApi
from stoker.wire.message import Request


class Kept:
    """Records in memory."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, Any]] = []

    async def append(self, record: Mapping[str, Any]) -> None:
        self.records.append(record)


@pytest.fixture
def kept(house: House) -> Kept:
    kept = Kept()
    house.door._audit = Audit(kept, SystemClock())
    return kept


def create(house: House, **document: Any) -> Any:
    body = {"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": "QUFB"}, **document}
    return asyncio.run(house.call(path="/2015-03-31/functions", body=json.dumps(body).encode()))


def test_a_change_is_written_down_with_who_and_from_where_and_without_secrets(house: House, kept: Kept) -> None:
    create(house, Environment={"Variables": {"KEY": "hidden"}})
    (record,) = kept.records
    assert (record["eventSource"], record["eventName"], record["readOnly"]) == (
        "lambda.amazonaws.com",
        "CreateFunction",
        False,
    )
    assert record["userIdentity"]["type"] == "Root" and record["userIdentity"]["accessKeyId"] == "AKIAEXAMPLE"
    assert (record["sourceIPAddress"], record["awsRegion"]) == ("192.0.2.1", "us-east-1")
    assert record["requestParameters"]["functionName"] == "f" and "errorCode" not in record
    assert "hidden" not in json.dumps(record) and "QUFB" not in json.dumps(record)


def test_an_invocation_and_a_read_are_not(house: House, kept: Kept) -> None:
    asyncio.run(house.call(body=b"1"))
    asyncio.run(house.call("GET", "/2015-03-31/functions/absent"))
    assert kept.records == []


def test_whoever_is_refused_is_even_for_an_invocation(house: House, kept: Kept) -> None:
    asyncio.run(house.call(**house.session()))
    (record,) = kept.records
    assert (record["eventName"], record["errorCode"]) == ("Invoke", "AccessDeniedException")
    who = record["userIdentity"]
    assert who["type"] == "AssumedRole" and who["sessionContext"]["sessionIssuer"]["userName"] == "worker"
    assert record["managementEvent"] is False


def test_strangers_are_noted_and_beyond_some_only_counted(house: House, kept: Kept) -> None:
    for _ in range(STRANGERS_A_MINUTE + 5):
        asyncio.run(house.call(secret="wrong"))
    assert 0 < len(kept.records) <= 2 * STRANGERS_A_MINUTE
    assert {record["errorCode"] for record in kept.records} == {"InvalidSignatureException"}
    assert all(record["userIdentity"] == {"type": "Unknown"} for record in kept.records)


@pytest.mark.parametrize(
    ("service", "operation", "kept_or_not"),
    [
        ("iam", "CreateUser", True),
        ("sts", "AssumeRole", True),
        ("sts", "GetSessionToken", True),
        ("sts", "GetCallerIdentity", False),
        ("lambda", "Invoke", False),
        ("lambda", "AddPermission", True),
        ("sqs", "SendMessage", False),
        ("sqs", "CreateQueue", True),
        ("s3", "PutObject", False),
        ("s3", "PutBucketPolicy", True),
    ],
)
def test_what_changes_something_is_kept_but_for_data(service: str, operation: str, kept_or_not: bool) -> None:
    assert is_kept(service, operation) is kept_or_not


def test_a_secret_that_a_model_does_not_mark_is_hidden_too() -> None:
    from botocore.loaders import Loader

    api = ServiceApi.load("iam", Loader())
    form = b"Action=CreateLoginProfile&UserName=ann&Password=open-sesame"
    request = Request(method="POST", host="h", path="/", query="", headers={}, body=form)
    operation = api.operation(request)
    assert "open-sesame" not in json.dumps(operation.shown(operation.parse(request)))


def test_records_outlive_a_restart_a_torn_line_and_too_many_files(tmp_path: Path) -> None:
    async def run() -> list[Any]:
        log = AuditLog(tmp_path, file_bytes=2000, files=3)
        for number in range(100):
            await log.append({"number": number, "padding": "x" * 50})
        await log.close()
        (tmp_path / "current.jsonl").open("ab").write(b'{"number": 7, "half')
        again = AuditLog(tmp_path, file_bytes=2000, files=3)
        await asyncio.gather(*(again.append({"number": number}) for number in range(100, 105)))
        found = await again.read(lambda record: record["number"] % 2 == 0, 10)
        await again.close()
        return [record["number"] for record in found]

    assert asyncio.run(run()) == [104, 102, 100, 98, 96, 94, 92, 90, 88, 86]
    assert len(list(tmp_path.iterdir())) <= 3
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3 * 2500
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_a_root_key_a_user_and_a_role_are_told_apart(house: House) -> None:
    _, root = house.keys.lookup("AKIAEXAMPLE", None, 0)
    assert identity_of(root)["type"] == "Root"
