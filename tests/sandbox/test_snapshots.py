"""Templates and SnapStart as a function's owner sees them: the init's work is there, and nothing else is shared."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from conftest import HANDLERS, ROLE, archive
from fakes.live_server import LiveServer
from fakes.waiting import eventually

pytestmark = pytest.mark.root
FRESH = {"stoker:environment": "fresh"}
RESTORED = "\tTemplate: used"


@dataclass
class Templated:
    """Deploys the handlers of templated.py under names of its own and invokes them."""

    server: LiveServer
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.server.client("lambda")

    def deploy(self, name: str, runtime: str = "python3.11", **settings: Any) -> str:
        handler = {"Handler": "templated.tells", **settings}["Handler"]
        self.client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=ROLE,
            Code={"ZipFile": archive(HANDLERS / f"{handler.partition('.')[0]}.py")},
            **{"Handler": handler, "Timeout": 20, **settings},
        )
        self.client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
        )
        return name

    def publish(self, name: str) -> dict[str, Any]:
        version = self.client.publish_version(FunctionName=name)
        self.client.get_waiter("published_version_active").wait(
            FunctionName=name, Qualifier=version["Version"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
        )
        return dict(version)

    def invoke(self, name: str, **how: Any) -> tuple[Any, str]:
        answer = self.client.invoke(FunctionName=name, LogType="Tail", **how)
        return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()

    def log(self, name: str) -> str:
        pages = self.server.client("logs").get_paginator("filter_log_events")
        events = [event for page in pages.paginate(logGroupName=f"/aws/lambda/{name}") for event in page["events"]]
        return "".join(event["message"] for event in events)

    def until_logged(self, name: str, text: str) -> None:
        """Invoke until a line of the function's log says so."""

        def logged() -> bool:
            self.invoke(name)
            return text in self.log(name)

        eventually(logged, f"{text!r} in the log of {name}")


@pytest.fixture(scope="session")
def templated(live_server: LiveServer) -> Templated:
    return Templated(live_server)


@pytest.fixture(scope="session")
def twins(templated: Templated) -> list[dict[str, Any]]:
    """What two environments of one template said at their first invocation."""
    name = templated.deploy("templated-twins", Tags=FRESH)
    templated.until_logged(name, RESTORED)
    return [templated.invoke(name)[0] for _ in range(2)]


def test_an_environment_from_a_template_has_what_the_init_made(twins: Any) -> None:
    one, other = twins
    assert one["born"] == other["born"]
    assert (one["left"], one["position"], one["read"]) == (other["left"], 5, "funct")


def test_environments_of_one_template_draw_different_numbers(twins: Any) -> None:
    one, other = twins
    for drawn in ("random", "uuid", "ssl", "name"):
        assert one[drawn] != other[drawn], drawn


def test_environments_of_one_template_have_their_own_files_streams_and_credentials(twins: Any) -> None:
    one, other = twins
    assert one["position"] == other["position"] == 5
    assert one["stream"] != other["stream"]
    assert one["key"] != other["key"]
    assert one["descriptors"] == other["descriptors"] == list(range(7))


def test_what_registered_for_a_fork_is_called_and_a_connection_of_the_init_is_gone(twins: Any) -> None:
    assert [twin["child"] for twin in twins] == [1, 1]
    assert [twin["connected"] for twin in twins] == [False, False]


def test_a_fresh_function_has_every_invocation_in_an_environment_of_its_own(twins: Any) -> None:
    assert [twin["calls"] for twin in twins] == [1, 1]
    assert [twin["processes"] for twin in twins] == [[1, 2], [1, 2]]


@pytest.mark.parametrize("runtime", ["python3.9", "python3.10", "python3.12", "python3.13"])
def test_templates_are_there_for_every_python(templated: Templated, runtime: str) -> None:
    try:
        name = templated.deploy(f"templated-{runtime.replace('.', '-')}", runtime, Tags=FRESH)
    except templated.client.exceptions.InvalidParameterValueException:
        pytest.skip(f"this machine has no {runtime}")
    templated.until_logged(name, RESTORED)
    assert templated.invoke(name)[0]["child"] == 1


def test_threads_at_the_end_of_the_init_mean_an_ordinary_start_that_says_so(templated: Templated) -> None:
    name = templated.deploy("templated-threads", Tags=FRESH, Environment={"Variables": {"THREADS": "1"}})
    templated.until_logged(name, "\tTemplate: refused, 2 threads run at the end of the init")
    assert templated.invoke(name)[0]["child"] == 0


def test_a_version_whose_snapshot_was_refused_says_why_from_its_first_start(templated: Templated) -> None:
    name = templated.deploy(
        "snapstart-threads",
        "python3.12",
        SnapStart={"ApplyOn": "PublishedVersions"},
        Environment={"Variables": {"THREADS": "1"}},
    )
    templated.publish(name)
    assert templated.invoke(name, Qualifier="1")[0]["kind"] == "on-demand"
    starts = [line for line in templated.log(name).splitlines() if line.startswith("INIT_START")]
    assert starts[-1].endswith("\tTemplate: refused, 2 threads run at the end of the init")


def test_a_change_of_the_function_is_seen_at_once_whatever_template_there_was(templated: Templated) -> None:
    name = templated.deploy("templated-changed", Tags=FRESH)
    templated.until_logged(name, RESTORED)
    before = templated.invoke(name)[0]["born"]
    templated.client.update_function_configuration(FunctionName=name, Environment={"Variables": {"CHANGED": "1"}})
    templated.client.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1000}
    )
    assert templated.invoke(name)[0]["born"] != before


def test_a_version_with_snapstart_is_restored_and_billed_for_it(templated: Templated) -> None:
    name = templated.deploy("templated-snapstart", "python3.12", SnapStart={"ApplyOn": "PublishedVersions"})
    version = templated.publish(name)
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Pending", "Off")
    settings = templated.client.get_function_configuration(FunctionName=name, Qualifier="1")["SnapStart"]
    assert settings == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    said, log = templated.invoke(name, Qualifier="1")
    assert (said["kind"], said["child"]) == ("snap-start", 1)
    report = dict(part.split(": ", 1) for part in log.splitlines()[-1].split("\t") if ": " in part)
    duration, billed = float(report["Duration"].split()[0]), int(report["Billed Duration"].split()[0])
    assert billed == -(-duration // 1) + int(report["Billed Restore Duration"].split()[0])
    assert "Init Duration" not in report
    assert "RESTORE_START Runtime Version: python:3.12" in templated.log(name)
    assert "RESTORE_REPORT Restore Duration: " in templated.log(name)


def test_a_hook_that_fails_in_a_restored_process_is_told_the_caller_each_time(templated: Templated) -> None:
    name = templated.deploy(
        "hooked-fails", "python3.12", Handler="hooked.tells", SnapStart={"ApplyOn": "PublishedVersions"}
    )
    templated.publish(name)
    for _ in range(2):
        with pytest.raises(templated.client.exceptions.SnapStartException) as refused:
            templated.invoke(name, Qualifier="1")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    log = templated.log(name)
    assert log.count("Error Type: Runtime.AfterRestoreError") == 2
    assert "Template: refused" not in log
    assert "START RequestId" not in log


def test_an_init_that_fails_makes_a_snapstart_version_fail(templated: Templated) -> None:
    name = templated.deploy(
        "templated-broken", "python3.12", Handler="templated.missing", SnapStart={"ApplyOn": "PublishedVersions"}
    )
    templated.client.publish_version(FunctionName=name)

    def state() -> dict[str, Any]:
        return dict(templated.client.get_function_configuration(FunctionName=name, Qualifier="1"))

    eventually(lambda: state()["State"] == "Failed", "the version failed")
    assert state()["StateReasonCode"] == "FunctionError.RuntimeInitError"
    assert "missing" in state()["StateReason"]


@pytest.mark.parametrize(
    ("runtime", "settings", "text"),
    [
        ("python3.11", {}, "python3.11 is not supported for SnapStart enabled functions."),
        ("python3.12", {"EphemeralStorage": {"Size": 513}}, "512 MB of ephemeral storage"),
    ],
)
def test_what_snapstart_does_not_go_with_is_refused(
    templated: Templated, runtime: str, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(templated.client.exceptions.InvalidParameterValueException, match=text):
        templated.deploy("templated-refused", runtime, SnapStart={"ApplyOn": "PublishedVersions"}, **settings)
