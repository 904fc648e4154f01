"""An answer of Invoke, read and told."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from stoker.cli.invoke import call, tell

LOG = (
    "START RequestId: 1 Version: $LATEST\nsomebody [red]is[/red] here\nEND RequestId: 1\n"
    "REPORT RequestId: 1\tDuration: 0.90 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)

METADATA: dict[str, Any] = {"ResponseMetadata": {"RequestId": "1"}}


@pytest.fixture
def functions() -> Any:
    return boto3.client("lambda", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def stub(functions: Any) -> Iterator[Stubber]:
    with Stubber(functions) as stub:
        yield stub
        stub.assert_no_pending_responses()


def expect(stub: Stubber, payload: bytes, log: str = LOG, **answer: str) -> None:
    body = StreamingBody(io.BytesIO(payload), len(payload))
    members = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": body, **METADATA, **answer}
    if log:
        members["LogResult"] = base64.b64encode(log.encode()).decode()
    stub.add_response("invoke", members, {"FunctionName": "f", "Payload": b"{}", "LogType": "Tail"})


def test_an_answer_has_its_result_its_report_and_its_cost(functions: Any, stub: Stubber) -> None:
    expect(stub, b'{"greeting": "hello"}')
    stub.add_response("get_function_configuration", {"Architectures": ["arm64"]}, {"FunctionName": "f"})
    members = call(functions, "f", "{}").as_members()
    assert members["result"] == {"greeting": "hello"} and members["functionError"] is None
    assert members["report"]["billedMs"] == 1
    assert members["costUsd"] == pytest.approx(2.016667e-07)


def test_an_answer_that_is_no_json_is_kept_as_text(functions: Any, stub: Stubber) -> None:
    expect(stub, b"plain", log="")
    answer = call(functions, "f", "{}")
    assert (answer.result, answer.report, answer.cost) == ("plain", None, None)


def test_a_person_reads_the_log_as_it_is_then_the_report_and_the_cost(
    functions: Any, stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    expect(stub, b"1", FunctionError="Unhandled")
    stub.add_response("get_function_configuration", {}, {"FunctionName": "f"})
    tell(call(functions, "f", "{}"), log=True)
    assert capsys.readouterr().err.splitlines() == [
        "The function failed (Unhandled).",
        "START RequestId: 1 Version: $LATEST",
        "somebody [red]is[/red] here",
        "END RequestId: 1",
        "warm · ran 0.90 ms · billed 1 ms · used 36 of 128 MB",
        "≈ $0.0000000021 at AWS's price, and $0.0000002000 for the request",
    ]
