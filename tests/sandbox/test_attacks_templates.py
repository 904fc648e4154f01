"""Attacks from an environment that came of a template: the walls are those of any other; and forged templates."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from conftest import Hostile, Outcome
from fakes.live_server import LiveServer
from fakes.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("neighbour")]
FRESH = {"stoker:environment": "fresh"}
USED, REFUSED = "\tTemplate: used", "\tTemplate: refused, "


class Restored:
    """Invokes hostile handlers in environments that came of their template."""

    def __init__(self, server: LiveServer, module: str = "hostile") -> None:
        self._server = server
        self._hostile = Hostile(server.client("lambda"), module)
        self._ready: set[str] = set()

    def invoke(self, handler: str, event: Any = None, **configuration: Any) -> Outcome:
        configuration = {
            "Tags": FRESH,
            "Environment": {"Variables": {"SLOW_INIT": "0.06", **configuration.pop("variables", {})}},
            **configuration,
        }
        name = self._hostile.deploy(handler, **configuration)
        if name not in self._ready:
            eventually(lambda: self._started(name, handler, event, configuration), f"a template of {name}")
            self._ready.add(name)
        return self._hostile.invoke(handler, event, **configuration)

    def said(self, name: str) -> str:
        logs = self._server.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return "".join(event["message"] for page in pages for event in page["events"])

    def name(self, handler: str, **configuration: Any) -> str:
        return self._hostile.deploy(handler, **configuration)

    def _started(self, name: str, handler: str, event: Any, configuration: Any) -> bool:
        self._hostile.invoke(handler, event, **configuration)
        return USED in self.said(name)


@pytest.fixture(scope="session")
def restored(live_server: LiveServer) -> Restored:
    return Restored(live_server)


def test_it_has_no_rights_and_sees_only_itself(restored: Restored) -> None:
    seen = restored.invoke("sees").value
    assert seen["processes"] == [1, 2]
    assert seen["uid"] != 0
    assert int(seen["capabilities"], 16) == int(seen["bounding"], 16) == 0
    assert (seen["no_new_privs"], seen["seccomp"]) == ("1", "2")
    # The image is closed.
    assert len(seen["descriptors"]) <= 5
    assert seen["hostname"] != socket.gethostname()


def test_dangerous_system_calls_are_refused(restored: Restored) -> None:
    assert restored.invoke("calls").value == []


def test_sockets_of_dangerous_families_are_refused(restored: Restored) -> None:
    assert restored.invoke("opens_odd_sockets").value == []


def test_the_hosts_files_are_not_there(restored: Restored, live_server: LiveServer) -> None:
    paths = [str(live_server.data / "credentials"), "/etc/shadow", "/proc/1/mem", "/proc/kcore", str(Path(__file__))]
    assert restored.invoke("reads_files", {"paths": paths}).value == []


def test_only_tmp_can_be_written(restored: Restored) -> None:
    paths = ["/x", "/var/task/x", "/opt/x", "/var/runtime/x", "/usr/x", "/etc/passwd", "/tmp/x"]
    assert restored.invoke("writes_files", {"paths": paths}).value == ["/tmp/x"]


def test_forks_end_at_the_limit_of_processes(restored: Restored) -> None:
    outcome = restored.invoke("forks_a_thousand_times", MemorySize=1024)
    assert outcome.value["refused"] == "EAGAIN"


def test_memory_ends_at_the_limit(restored: Restored) -> None:
    outcome = restored.invoke("fills_memory", MemorySize=128)
    assert "signal: killed" in outcome.value["errorMessage"]


def test_tmp_is_its_own_and_is_full_when_it_is_full(restored: Restored) -> None:
    outcome = restored.invoke("fills_tmp", MemorySize=256)
    assert outcome.value["refused"] == "ENOSPC"
    assert restored.invoke("remembers_in_tmp").value["before"] == []
    assert restored.invoke("remembers_in_tmp").value["before"] == []


def test_a_function_that_kills_itself_is_reported(restored: Restored) -> None:
    assert restored.invoke("kills_itself").error == "Runtime.ExitError"


@pytest.mark.parametrize("forgery", ["paths", "facts", "nested", "huge", "many", "taken"])
def test_a_forged_template_gains_nothing_and_its_function_goes_on(live_server: LiveServer, forgery: str) -> None:
    forger = Hostile(live_server.client("lambda"), "forger")
    configuration = {"Tags": FRESH, "Environment": {"Variables": {"FORGERY": forgery}}}
    watch = Restored(live_server, "forger")

    def decided() -> bool:
        assert forger.invoke("answers", **configuration).value == "here"
        said = watch.said(forger.deploy("answers", **configuration))
        # What nothing of was needed may be forged as it likes.
        return REFUSED in said or (USED in said and forgery in {"paths", "facts"})

    eventually(decided, f"a template with {forgery} forged is refused, or does no harm")
    assert json.dumps(forger.invoke("answers", **configuration).value) == '"here"'
