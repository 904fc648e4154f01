"""Every operation of every service, asked in ways that no client of AWS's would.

What is sent is made from the models: the least that an operation takes, and one thing in it that is wrong. The answer
is an error of the caller's, in the protocol's own shape; where AWS passes over what is wrong, it is at least no 5xx.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointResolutionError, ParamValidationError
from botocore.model import OperationModel, Shape
from jmespath.exceptions import JMESPathError

from fakes.live_server import LiveServer, free_port
from fakes.served import PACKAGES, least, operations_of, service_of

Change = Callable[[dict[str, Any]], None]
"""What is done to a request, as botocore has it, before it is signed."""

NO_DOCUMENTS = [b'{"', b"\xff\xfe", b"[" * 5_000]
LONG = "a" * 20_000
# By what a member is: something that it is not.
WRONG = {
    "structure": "x",
    "list": {"a": 1},
    "map": [1],
    "string": {"a": 1},
    "integer": "x",
    "long": 2**70,
    "float": "x",
    "double": [],
    "boolean": "x",
    "timestamp": {},
    "blob": 5,
}
# In a form, a path's query or a header everything is text, of which these are not just any.
NOT_ANY_TEXT = frozenset({"integer", "long", "float", "double", "boolean", "timestamp"})


class Asker:
    """A client whose requests are changed on their way."""

    def __init__(self, server: LiveServer, name: str) -> None:
        self._client = server.client(name, config=Config(parameter_validation=False, inject_host_prefix=False))
        self._change: Change | None = None
        self._client.meta.events.register("before-call", self._on_its_way)

    def _on_its_way(self, params: dict[str, Any], **_: Any) -> None:
        if self._change is not None:
            self._change(params)

    def ask(self, operation: OperationModel, params: dict[str, Any], change: Change | None) -> tuple[int, str, str]:
        """Status, code and message; the last two are empty for a success."""
        self._change = change
        try:
            answer = self._client._make_api_call(operation.name, params)
        except ClientError as error:
            answer = error.response
        except (JMESPathError, EndpointResolutionError, ParamValidationError) as error:
            # Without some members boto3 does not know where to send a request.
            return 400, "boto3", str(error)
        said = answer.get("Error", {})
        return answer["ResponseMetadata"]["HTTPStatusCode"], said.get("Code", ""), said.get("Message", "")


def bodied(content: bytes) -> Change:
    return lambda request: request.update(body=content)


def with_member(protocol: str, shape: Shape, name: str, value: Any) -> Change | None:
    """Puts a value where a member is sent, None for one whose place cannot hold such."""
    location, sent_as = shape.serialization.get("location"), shape.serialization.get("name", name)
    if location == "querystring":
        return lambda request: request.update(
            url=f"{request['url']}{'&' if '?' in request['url'] else '?'}{sent_as}={value}"
        )
    if location is not None or shape.serialization.get("streaming") or shape.serialization.get("eventstream"):
        return None
    if protocol == "query":
        return lambda request: request["body"].update({sent_as: value})
    if protocol in ("json", "rest-json"):
        return lambda request: request.update(
            body=json.dumps({**json.loads(request["body"] or b"{}"), sent_as: value}).encode()
        )
    if protocol == "smithy-rpc-v2-cbor":
        return lambda request: request.update(
            body=cbor2.dumps({**cbor2.loads(request["body"] or b"\xa0"), sent_as: value})
        )
    return None


def is_read_as_document(operation: OperationModel, protocol: str) -> bool:
    shape = operation.input_shape
    if shape is None or protocol == "query":
        return False
    payload = shape.serialization.get("payload")
    if payload is not None:
        return shape.members[payload].type_name == "structure"
    return any("location" not in member.serialization for member in shape.members.values())


def cases(operation: OperationModel, protocol: str, params: dict[str, Any]) -> Iterator[tuple[str, Any, Any, bool]]:
    """What is wrong, the params and the change that make it so, and whether that has to be refused."""
    for body in NO_DOCUMENTS:
        yield f"the body {body[:8]!r}", params, bodied(body), is_read_as_document(operation, protocol)
    shape = operation.input_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    for name, member in shape.members.items() if shape is not None else ():
        in_text = protocol == "query" or "location" in member.serialization
        wrong = "x" if in_text else WRONG.get(member.type_name)
        can_be_wrong = member.type_name in NOT_ANY_TEXT if in_text else not getattr(member, "is_document_type", False)
        change = with_member(protocol, member, name, wrong)
        if can_be_wrong and change is not None and payload is None:
            yield f"{name} is {wrong!r}", params, change, True
        if name not in params:
            continue
        if member.serialization.get("location") != "uri" and name not in operation.idempotent_members:
            less = {key: value for key, value in params.items() if key != name}
            yield f"no {name}", less, None, True
        if member.type_name == "string" and not (operation.service_model.service_name == "s3" and name == "Bucket"):
            too_long = member.metadata.get("max", len(LONG)) < len(LONG)
            yield f"{name} is long", {**params, name: LONG}, None, too_long
    if protocol in ("json", "rest-json") and is_read_as_document(operation, protocol) and payload is None:
        more = with_member(protocol, Shape("NobodyS", {"type": "string"}), "NobodyKnows", {"a": [1]})
        yield "a member that nobody knows", params, more, False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(data=tmp_path_factory.mktemp("malformed"), port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_wrong_with_a_request_is_the_caller_s_fault(server: LiveServer, package: str) -> None:
    service = service_of(package)
    asker = Asker(server, service.name)
    wrong = []
    for operation in operations_of(service):
        protocol = operation.service_model.resolved_protocol
        params = least(operation.input_shape) if operation.input_shape is not None else {}
        for what, sent, change, is_refused in cases(operation, protocol, params):
            status, code, message = asker.ask(operation, sent, change)
            is_told = bool(message) and not code.isdigit() if status >= 400 else not is_refused
            if (
                (status >= 500 and status != 501)
                or (status >= 400 and code in ("", "Unknown"))
                or (operation.http["method"] != "HEAD" and not is_told)
            ):
                wrong.append((operation.name, what, status, code, message))
    assert not wrong, "\n".join(map(str, wrong))
