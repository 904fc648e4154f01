"""Reserved and provisioned concurrency and the account's limit, through boto3 against a live server."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.live_server import LiveServer, free_port
from fakes.waiting import eventually
from fakes.zips import zip_of

pytestmark = pytest.mark.root
ROLE = "arn:aws:iam::000000000000:role/test"
HANDLER = """
import os, time
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("die"):
        os._exit(3)
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that has four to reserve beside the hundred that nobody can."""
    server = LiveServer(
        data=tmp_path_factory.mktemp("limits"), port=free_port(), options=["--concurrency", "104", "--keep-warm", "1"]
    )
    server.start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def function(server: LiveServer, request: pytest.FixtureRequest) -> Iterator["Function"]:
    function = Function(server.client("lambda"), request.node.name[:60])
    function.create()
    yield function
    function.client.delete_function(FunctionName=function.name)


class Function:
    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def create(self, code: str = HANDLER) -> None:
        self.client.create_function(
            FunctionName=self.name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="app.handler",
            Timeout=60,
            Code={"ZipFile": zip_of({"app.py": code})},
            Publish=True,
        )
        waiter = self.client.get_waiter("function_active_v2")
        waiter.wait(FunctionName=self.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000})

    def invoke(self, qualifier: str = "$LATEST", **event: Any) -> Any:
        answer = self.client.invoke(FunctionName=self.name, Qualifier=qualifier, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def outcomes(self, count: int, **event: Any) -> list[str]:
        """What became of invocations at the same time: `ran`, or the reason of their throttle."""
        with ThreadPoolExecutor(count) as pool:
            return sorted(pool.map(lambda _: self._outcome(**event), range(count)))

    def _outcome(self, **event: Any) -> str:
        try:
            self.invoke(**event)
        except ClientError as error:
            assert error.response["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            return str(error.response["Reason"])
        return "ran"

    def is_held_at(self, per_s: int, reason: str) -> None:
        """Invocations one after the other run so often, and are throttled for that reason beyond it."""

        def is_throttled() -> bool:
            """Of as many as one client can make in 0.7 s; on a machine that is busy that may be fewer than the rate."""
            started, outcomes = time.monotonic(), []
            while time.monotonic() - started < 0.7:
                outcomes.append(self._outcome())
            assert outcomes.count("ran") <= per_s * (1 + time.monotonic() - started) + 1
            assert set(outcomes) <= {"ran", reason}
            return reason in outcomes

        eventually(is_throttled, "a throttle by the rate")

    def reserve(self, count: int) -> None:
        self.client.put_function_concurrency(FunctionName=self.name, ReservedConcurrentExecutions=count)

    def provision(self, count: int, qualifier: str = "1") -> Any:
        return self.client.put_provisioned_concurrency_config(
            FunctionName=self.name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )

    def provisioned(self, qualifier: str = "1") -> Any:
        return self.client.get_provisioned_concurrency_config(FunctionName=self.name, Qualifier=qualifier)

    def ready(self, count: int, qualifier: str = "1") -> Any:
        def is_ready() -> Any:
            state = self.provisioned(qualifier)
            done = state["Status"] == "READY" and state["AvailableProvisionedConcurrentExecutions"] == count
            return state if done else None

        return eventually(is_ready, f"{count} environments of {qualifier}")


def test_a_function_runs_no_more_at_once_than_it_has_reserved(function: Function) -> None:
    function.reserve(2)
    reasons = function.outcomes(5, sleep=4.0)
    assert reasons == ["ReservedFunctionConcurrentInvocationLimitExceeded"] * 3 + ["ran"] * 2
    function.client.delete_function_concurrency(FunctionName=function.name)
    assert function.outcomes(5, sleep=0.3) == ["ran"] * 5


def test_a_reservation_of_nothing_stops_a_function_and_lifting_it_starts_it_again(function: Function) -> None:
    function.reserve(0)
    assert function.outcomes(1) == ["ReservedFunctionConcurrentInvocationLimitExceeded"]
    function.client.delete_function_concurrency(FunctionName=function.name)
    assert function.outcomes(1) == ["ran"]


def test_the_reserved_rate_is_ten_requests_a_second_for_each(function: Function) -> None:
    function.invoke()
    function.reserve(1)
    function.is_held_at(10, "ReservedFunctionInvocationRateLimitExceeded")


def test_what_is_reserved_is_shown_and_leaves_a_hundred(function: Function) -> None:
    function.reserve(3)
    settings = function.client.get_account_settings()["AccountLimit"]
    assert (settings["ConcurrentExecutions"], settings["UnreservedConcurrentExecutions"]) == (104, 101)
    shown = function.client.get_function(FunctionName=function.name)["Concurrency"]
    assert shown == {"ReservedConcurrentExecutions": 3}
    with pytest.raises(function.client.exceptions.InvalidParameterValueException, match=r"minimum value of \[100\]"):
        function.reserve(5)


def test_provisioned_environments_are_initialised_before_anybody_calls(function: Function) -> None:
    assert function.provision(2)["Status"] == "IN_PROGRESS"
    state = function.ready(2)
    assert state["AllocatedProvisionedConcurrentExecutions"] == state["RequestedProvisionedConcurrentExecutions"] == 2
    (listed,) = function.client.list_provisioned_concurrency_configs(FunctionName=function.name)[
        "ProvisionedConcurrencyConfigs"
    ]
    assert (listed["FunctionArn"].rpartition(":")[2], listed["Status"]) == ("1", "READY")
    with ThreadPoolExecutor(3) as pool:
        kinds = sorted(kind for kind, _ in pool.map(lambda _: function.invoke("1", sleep=3.0), range(3)))
    assert kinds == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]


def test_keep_warm_does_not_end_them(function: Function) -> None:
    function.provision(1)
    function.ready(1)
    kind, stream = function.invoke("1")
    time.sleep(2.0)
    assert function.invoke("1") == [kind, stream] == ["provisioned-concurrency", stream]


def test_one_that_dies_is_replaced(function: Function) -> None:
    function.provision(1)
    function.ready(1)
    _, stream = function.invoke("1")
    assert function.invoke("1", die=True)["errorType"] == "Runtime.ExitError"
    function.ready(1)
    kind, other = function.invoke("1")
    assert kind == "provisioned-concurrency" and other != stream


def test_an_init_that_fails_is_told(function: Function) -> None:
    function.client.update_function_code(
        FunctionName=function.name, ZipFile=zip_of({"app.py": "raise ValueError('no')"}), Publish=True
    )
    function.provision(1, "2")
    state = eventually(lambda: (s := function.provisioned("2"))["Status"] == "FAILED" and s, "the failure")
    assert state["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"


def test_they_move_with_the_alias(function: Function) -> None:
    function.client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    function.provision(1, "live")
    function.ready(1, "live")
    _, stream = function.invoke("live")
    function.client.update_function_configuration(FunctionName=function.name, MemorySize=256)
    function.client.get_waiter("function_updated_v2").wait(
        FunctionName=function.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    function.client.publish_version(FunctionName=function.name)
    function.client.update_alias(FunctionName=function.name, Name="live", FunctionVersion="2")
    eventually(lambda: function.invoke("live")[0] == "provisioned-concurrency", "an environment of version 2")
    kind, other = function.invoke("live")
    assert (kind, "[2]" in other, "[1]" in stream) == ("provisioned-concurrency", True, True)


def test_an_update_of_the_function_leaves_a_version_s_environments_alone(function: Function) -> None:
    function.provision(1)
    function.ready(1)
    before = function.invoke("1")
    function.client.update_function_configuration(FunctionName=function.name, MemorySize=256)
    function.client.get_waiter("function_updated_v2").wait(
        FunctionName=function.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    assert function.invoke("1") == before


def test_the_account_s_limit_and_provisioned_concurrency_outlive_a_restart(own_server: LiveServer) -> None:
    own_server.options = ["--concurrency", "102"]
    own_server.start()
    function = Function(own_server.client("lambda"), "restarted")
    function.create()
    function.provision(1)
    function.ready(1)
    function.reserve(2)
    own_server.kill()
    own_server.start()
    assert function.client.get_function_concurrency(FunctionName="restarted")["ReservedConcurrentExecutions"] == 2
    function.ready(1)
    assert function.invoke("1")[0] == "provisioned-concurrency"
    assert function.outcomes(3, sleep=3.0).count("ReservedFunctionConcurrentInvocationLimitExceeded") == 2


def test_beyond_the_account_s_limit_callers_are_throttled(own_server: LiveServer) -> None:
    own_server.options = ["--concurrency", "1"]
    own_server.start()
    function = Function(own_server.client("lambda"), "small")
    function.create()
    assert function.outcomes(3, sleep=4.0) == ["ConcurrentInvocationLimitExceeded"] * 2 + ["ran"]
    function.is_held_at(10, "FunctionInvocationRateLimitExceeded")
    with pytest.raises(function.client.exceptions.InvalidParameterValueException, match=r"minimum value of \[1\]"):
        function.reserve(1)
