"""What `stoker doctor` makes of a machine."""

import json
import sys

import pytest

from stoker.cli.doctor import verdict
from stoker.cli.main import main
from stoker.linux import capabilities
from stoker.linux.capabilities import Capability


def capability(name: str, *, available: bool = True, needed: bool = True, without: str = "") -> Capability:
    remedy = "" if available else "fix it"
    return Capability(name=name, available=available, detail="so", needed=needed, remedy=remedy, without=without)


def examine(monkeypatch: pytest.MonkeyPatch, found: list[Capability], *options: str) -> int:
    monkeypatch.setattr(capabilities, "probe", lambda prefix, directory: found)
    monkeypatch.setattr(sys, "argv", ["stoker", "doctor", *options])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0)


def test_a_machine_without_something_needed_is_status_1_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(monkeypatch, [capability("mounts"), capability("cgroups", available=False)]) == 1
    shown = capsys.readouterr()
    assert "MISSING" in shown.out and "To do: fix it" in shown.out
    assert "without cgroups" in shown.err


def test_what_is_only_better_to_have_is_status_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert examine(monkeypatch, [capability("disks", available=False, needed=False)]) == 0


def test_the_findings_are_json_on_demand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert examine(monkeypatch, [capability("mounts")], "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "mounts"


def test_the_verdict_names_what_would_be_better() -> None:
    assert "every way" in verdict([capability("mounts")])
    assert "disks would" in verdict([capability("mounts"), capability("disks", available=False, needed=False)])


def test_the_verdict_says_what_weak_isolation_would_mean() -> None:
    limits = capability("cgroups", available=False, without="nothing limits memory")
    assert verdict([limits]) == "`stoker up` starts here only with --allow-weak-isolation: nothing limits memory."
    assert "refuses to start" in verdict([limits, capability("mounts", available=False)])
