import os
from pathlib import Path

import pytest
from linux_child import in_child

from stoker.linux import capabilities, credentials

pytestmark = pytest.mark.root


def test_root_is_told_what_works_and_nothing_is_left(tmp_path: Path) -> None:
    report = in_child(lambda: capabilities.probe("probecheck", tmp_path))
    assert [each.name for each in report if each.needed and not each.available] == []
    assert {each.remedy for each in report if each.available} == {""}
    assert os.listdir(tmp_path) == []


def test_an_ordinary_user_is_told_what_is_missing_and_what_to_do() -> None:
    def ask() -> list[capabilities.Capability]:
        credentials.drop(1001, 1001)
        credentials.set_dumpable()
        return capabilities.probe("probecheck", Path("/tmp"))

    report = {each.name: each for each in in_child(ask)}
    assert not report["privileges"].available
    assert report["privileges"].remedy == "start as root"
    assert "Operation not permitted" in report["mounts"].detail
    assert all(each.remedy for each in report.values() if not each.available)
    assert report["seccomp"].available
