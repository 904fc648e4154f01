"""What a client of the port gets, whatever it sends."""

import asyncio
import json
import logging
import re

import pytest
from front_door_house import DATE, INVOKE, House

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_a_signed_call_reaches_its_service(house: House) -> None:
    answer = asyncio.run(house.call(body=b'{"a":1}', headers={"X-Amz-Log-Type": "Tail"}, region="eu-west-1"))
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    (call,) = house.functions.calls
    assert call.params == {"FunctionName": "hello", "LogType": "Tail", "Payload": b'{"a":1}'}
    assert (call.service, call.operation, call.region) == ("lambda", "Invoke", "eu-west-1")
    assert (call.account, call.source_ip) == ("000000000000", "192.0.2.1")
    assert call.principal.arn == "arn:aws:iam::000000000000:root"


def test_every_answer_has_a_request_id_and_the_date_of_the_server(house: House) -> None:
    for answer in (asyncio.run(house.call()), asyncio.run(house.call(secret="wrong"))):
        request_id = answer.header("x-amzn-RequestId")
        assert request_id is not None and UUID.fullmatch(request_id)
        assert answer.header("date") == DATE.strip().removeprefix("date: ")
    assert house.functions.calls[0].request_id != request_id


def test_an_unsigned_request_is_refused(house: House) -> None:
    answer = asyncio.run(house.call(signed=False))
    assert answer.status == 403
    assert answer.header("x-amzn-ErrorType") == "MissingAuthenticationTokenException"
    assert answer.json()["message"] == "Missing Authentication Token"
    assert not house.functions.calls


def test_a_wrong_secret_is_refused_in_the_words_of_each_protocol(house: House) -> None:
    rest = asyncio.run(house.call(secret="wrong"))
    assert (rest.status, rest.header("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
    assert rest.json()["message"].startswith("The request signature we calculated does not match")
    target = {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}
    rpc = asyncio.run(house.call(path="/", body=b"{}", headers=target, service="logs", secret="wrong"))
    assert (rpc.status, rpc.json()["__type"]) == (403, "InvalidSignatureException")
    query = asyncio.run(house.call(path="/", body=WHO, headers=FORM, service="sts", secret="wrong"))
    assert query.status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in query.body


def test_an_unsigned_form_is_answered_in_xml(house: House) -> None:
    answer = asyncio.run(house.call(path="/", body=WHO, headers=FORM, signed=False))
    assert answer.status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in answer.body


def test_a_caller_s_fault_is_told_as_its_error_shape(house: House) -> None:
    answer = asyncio.run(house.call("GET", "/2015-03-31/functions/absent"))
    assert answer.status == 404
    assert answer.header("x-amzn-ErrorType") == "ResourceNotFoundException"
    assert answer.json() == {"Type": "User", "Message": "Function not found: absent"}


def test_a_fault_of_ours_is_logged_once_and_shown_to_nobody(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(house.call("GET", "/2015-03-31/functions"))
    assert answer.status == 500
    assert answer.header("x-amzn-ErrorType") == "ServiceException"
    assert b"secret inside" not in answer.body
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is not None
    assert str(answer.header("x-amzn-RequestId")) in caplog.text


def test_what_is_not_built_answers_501_with_its_name(house: House) -> None:
    operation = asyncio.run(house.call("GET", "/2015-03-31/functions/hello/policy"))
    assert operation.status == 501
    assert "GetPolicy" in operation.json()["message"]
    service = asyncio.run(house.call("GET", "/", service="kinesis"))
    assert service.status == 501
    assert "kinesis" in service.json()["message"]


def test_an_unknown_path_is_an_unknown_operation(house: House) -> None:
    answer = asyncio.run(house.call("GET", "/2015-03-31/nothing"))
    assert (answer.status, answer.header("x-amzn-ErrorType")) == (404, "UnknownOperationException")


def test_bad_parameters_never_reach_the_service(house: House) -> None:
    answer = asyncio.run(house.call(headers={"X-Amz-Invocation-Type": "Maybe"}))
    assert answer.status == 400
    assert answer.json()["message"].startswith("1 validation error detected: Value 'Maybe' at 'invocationType'")
    assert not house.functions.calls


def test_an_event_of_six_megabytes_is_the_largest(house: House) -> None:
    most = asyncio.run(house.call(body=b"1" * 6_291_456))
    assert (most.status, len(most.body)) == (200, 6_291_456)
    over = asyncio.run(house.call(body=b"1" * 6_291_457))
    assert (over.status, over.header("x-amzn-ErrorType")) == (413, "RequestEntityTooLargeException")
    assert over.json()["message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


def test_a_body_that_states_no_length_is_bounded_as_well(house: House) -> None:
    headers = house.sign("POST", INVOKE, b"", {"Transfer-Encoding": "chunked"})
    del headers["Content-Length"]
    pieces = [b"1" * (1 << 20) for _ in range(50)]
    answer = asyncio.run(house.exchange("POST", INVOKE, headers, pieces))
    assert answer.status == 413
    assert len(pieces) > 40, "it should stop reading once the limit is passed"


def test_a_body_in_pieces_is_put_together(house: House) -> None:
    headers = house.sign("POST", INVOKE, b"[1,2]", {})
    assert asyncio.run(house.exchange("POST", INVOKE, headers, [b"[1", b",2", b"]"])).body == b"[1,2]"


def test_a_client_that_goes_away_within_its_request_is_let_go(house: House) -> None:
    headers = house.sign("POST", INVOKE, b"[1,2]", {})
    assert asyncio.run(house.exchange("POST", INVOKE, headers, [b"[1"], ends=False)).status == 0
    assert not house.functions.calls


def test_a_large_upload_is_parsed_and_verified(house: House) -> None:
    code = "A" * (1 << 21)
    document = {"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": code}}
    answer = asyncio.run(house.call(path="/2015-03-31/functions", body=json.dumps(document).encode()))
    assert (answer.status, answer.json()["CodeSize"]) == (201, (1 << 21) * 3 // 4)


def test_a_session_may_ask_who_it_is_and_nothing_else(house: House) -> None:
    who = asyncio.run(house.call(path="/", body=WHO, headers=FORM, service="sts", **house.session()))
    assert who.status == 200
    assert b"<Arn>arn:aws:sts::000000000000:assumed-role/worker/hello</Arn>" in who.body
    refused = asyncio.run(house.call(**house.session()))
    assert (refused.status, refused.header("x-amzn-ErrorType")) == (403, "AccessDeniedException")
    assert refused.json()["message"].startswith(
        "User: arn:aws:sts::000000000000:assumed-role/worker/hello is not authorized to perform: lambda:InvokeFunction "
        "on resource: arn:aws:lambda:us-east-1:000000000000:function:hello"
    )
    assert not house.functions.calls


def test_from_inside_a_sandbox_only_sessions_are_known(house: House) -> None:
    root = asyncio.run(house.call(from_sandbox=True))
    assert (root.status, root.header("x-amzn-ErrorType")) == (403, "UnrecognizedClientException")
    session = house.session()
    who = house.call(path="/", body=WHO, headers=FORM, service="sts", from_sandbox=True, **session)
    assert asyncio.run(who).status == 200


def test_the_operator_s_paths_are_out_of_a_sandbox_s_reach(house: House) -> None:
    assert asyncio.run(house.call("GET", "/_stoker/health", signed=False)).status == 200
    assert asyncio.run(house.call("GET", "/_stoker/health", signed=False, from_sandbox=True)).status == 404


def test_health_says_ready_and_which_version(house: House) -> None:
    answer = asyncio.run(house.call("GET", "/_stoker/health", signed=False))
    assert answer.json() == {"status": "ready", "version": "9.9"}
    head = asyncio.run(house.call("HEAD", "/_stoker/health", signed=False))
    assert (head.status, head.body, head.header("content-length")) == (200, b"", answer.header("content-length"))
    assert asyncio.run(house.call("POST", "/_stoker/health", signed=False)).status == 405
    assert asyncio.run(house.call("GET", "/_stoker/nothing", signed=False)).status == 404
