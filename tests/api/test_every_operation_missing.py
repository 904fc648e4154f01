"""Every operation of every service, asked about something that is not there.

The table is `missing.json`. An operation gets the least that it takes, with what `members` says of members by their
names and `rows` of this operation. It answers the error that its model declares for what is not found; where the model
declares none, `code` says it for a service, `codes` for an operation, and `statuses` its status, if it is another than
400 and 404. `none` are those that find nothing missing,
with the reason.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from fakes.live_server import LiveServer, free_port
from fakes.served import PACKAGES, least, operations_of, service_of
from fakes.world import World

TABLE = json.loads((Path(__file__).parent / "missing.json").read_text())
_ASSUMES = {"Effect": "Allow", "Action": "sts:AssumeRole"}
_SCHEDULER = "scheduler.amazonaws.com"
_MISSING = re.compile(r"(?!KMS|Kms|CodeSigning).*(NotFound|NoSuch|NotExist|Gone).*")

# boto3 tells SQS's errors by the codes of its query protocol, which an answer has in a header.
_OLDER_CODES = {
    "QueueDoesNotExist": ["AWS.SimpleQueueService.NonExistentQueue"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One where nothing has been made but a role, without which no schedule's group is looked for."""
    server = LiveServer(data=tmp_path_factory.mktemp("missing"), port=free_port())
    server.start()
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{**_ASSUMES, "Principal": {"Service": _SCHEDULER}}]})
    server.client("iam").create_role(RoleName="scheduler", AssumeRolePolicyDocument=trust)
    yield server
    server.stop()


def declared(operation: OperationModel) -> dict[str, int | None]:
    """The codes that the model has for what is not there, each with its status where that is stated."""
    found = {}
    for shape in operation.error_shapes:
        if _MISSING.fullmatch(shape.name):
            error = shape.metadata.get("error", {})
            found[error.get("code", shape.name)] = error.get("httpStatusCode")
            found[shape.name] = error.get("httpStatusCode")
            found |= dict.fromkeys(_OLDER_CODES.get(shape.name, ()))
    return found


def said(client: Any, operation: OperationModel, params: Any) -> tuple[str, int]:
    try:
        answer = client._make_api_call(operation.name, params)
    except ClientError as error:
        answer = error.response
    return answer.get("Error", {}).get("Code", "nothing"), answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_not_there_is_said_so_in_the_model_s_words(server: LiveServer, package: str) -> None:
    table, service = TABLE[package], service_of(package)
    client = server.client(service.name, config=Config(parameter_validation=False, inject_host_prefix=False))
    world = World(0)
    world.kept["queue_address"] = f"{server.endpoint}/000000000000/nobody-s"
    members, rows, codes = (table.get(name, {}) for name in ("members", "rows", "codes"))
    wrong = []
    for operation in operations_of(service):
        if operation.name in table.get("none", {}):
            continue
        shape = operation.input_shape
        own = {name: value for name, value in members.items() if shape is not None and name in shape.members}
        given = world.filled({**own, **rows.get(operation.name, {})})
        required = [name for name in shape.required_members if name not in given] if shape is not None else []
        params = {**{name: least(shape.members[name]) for name in required}, **given}
        code, status = said(client, operation, params)
        stated = codes.get(operation.name) or table.get("code")
        expected = {stated: table.get("statuses", {}).get(operation.name)} if stated else declared(operation)
        if code not in expected or status not in ({expected[code]} if expected[code] else {400, 404}):
            wrong.append((operation.name, code, status, expected))
    assert not wrong, "\n".join(map(str, wrong))
