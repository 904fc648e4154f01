"""Every operation of every service, as a user whose policy lets him do none of them, and then that one only."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from fakes.live_server import LiveServer
from fakes.served import PACKAGES, least, operations_of, service_of
from stoker.model.access import Access

ACCOUNT = "000000000000"
# What each protocol's clients see; S3 answers a HEAD without a body, whose clients then tell the status only.
CODES = {
    "sns": "AuthorizationError",
    **dict.fromkeys(("cloudwatch", "iam", "s3", "s3control", "sqs", "sts"), "AccessDenied"),
}


class User:
    """Somebody with a key and at most one policy."""

    def __init__(self, server: LiveServer) -> None:
        self.name = f"every-{uuid.uuid4().hex[:8]}"
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/{self.name}"
        self._server = server
        self._iam = server.client("iam")
        self._iam.create_user(UserName=self.name)
        self._key = self._iam.create_access_key(UserName=self.name)["AccessKey"]

    def may(self, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._iam.put_user_policy(UserName=self.name, PolicyName="own", PolicyDocument=document)

    def may_nothing(self) -> None:
        if self._iam.list_user_policies(UserName=self.name)["PolicyNames"]:
            self._iam.delete_user_policy(UserName=self.name, PolicyName="own")

    def client(self, service: str) -> Any:
        keys = {"access_key": self._key["AccessKeyId"], "secret_key": self._key["SecretAccessKey"]}
        return self._server.client(service, config=Config(parameter_validation=False, inject_host_prefix=False), **keys)


@pytest.fixture(scope="module")
def user(live_server: LiveServer) -> Iterator[User]:
    yield User(live_server)


def refusal(client: Any, operation: OperationModel, params: dict[str, Any]) -> tuple[str, int, str] | None:
    """Code, status and text with which a call is refused; None for one that is served."""
    try:
        client._make_api_call(operation.name, params)
    except ClientError as error:
        answer = error.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]
    return None


def rows_of(row: Access, params: dict[str, Any]) -> list[Access]:
    chosen = row.instead(params) or row
    return [chosen, *chosen.also]


def is_denied(answer: tuple[str, int, str] | None, service: str, arn: str, operation: OperationModel) -> bool:
    if answer is None:
        return False
    code, status, message = answer
    if operation.http["method"] == "HEAD":
        return status == 403
    json_rpc = operation.service_model.protocol == "json" and service != "sqs"
    return (
        code == CODES.get(service, "AccessDeniedException")
        and status == (400 if json_rpc else 403)
        and message.startswith(f"User: {arn} is not authorized to perform: ")
        and "because no identity-based policy allows the " in message
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_each_operation_is_shut_until_its_own_action_is_allowed(user: User, package: str) -> None:
    service = service_of(package)
    client = user.client(service.name)
    found: list[tuple[str, Any]] = []
    for operation in operations_of(service):
        row = service.access[operation.name]
        if row is None:
            continue
        params = least(operation.input_shape)
        user.may_nothing()
        shut = refusal(client, operation, params)
        if not is_denied(shut, service.name, user.arn, operation):
            found.append((operation.name, shut))
        user.may(*(each.action for each in rows_of(row, params)))
        opened = refusal(client, operation, params)
        if opened is not None and opened[2].startswith("User:"):
            found.append((operation.name, opened))
    assert not found
