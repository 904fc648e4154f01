import os
from pathlib import Path

import pytest
from linux_child import in_child

from stoker.linux import capabilities, credentials, namespaces

pytestmark = pytest.mark.root

PREFIX = f"probecheck{os.getpid()}"


def test_root_is_told_what_works_and_nothing_is_left(tmp_path: Path) -> None:
    report = in_child(lambda: capabilities.probe(PREFIX, tmp_path))
    assert [each.name for each in report if each.needed and not each.available] == []
    assert {each.remedy for each in report if each.available} == {""}
    assert os.listdir(tmp_path) == []


def test_an_ordinary_user_is_told_what_is_missing_and_what_to_do() -> None:
    def ask() -> list[capabilities.Capability]:
        credentials.drop(1001, 1001)
        credentials.set_dumpable()
        return capabilities.probe(PREFIX, Path("/tmp"))

    report = {each.name: each for each in in_child(ask)}
    walls = ("privileges", "mounts", "user namespaces", "process namespaces", "network namespaces", "seccomp")
    assert [name for name in walls if not report[name].available] == []
    lacking = {name for name, each in report.items() if not each.available}
    assert {"cgroups", "disks", "network"} <= lacking
    assert all(report[name].remedy for name in lacking)
    # Only the missing limits can be done without.
    assert [each.name for each in report.values() if each.without] == ["cgroups"]


def test_where_users_may_make_no_namespaces_the_setting_that_forbids_it_is_named() -> None:
    def ask() -> list[capabilities.Capability]:
        namespaces.unshare(namespaces.CLONE_NEWUSER)
        # In a namespace whose own limit is zero nobody can make another one.
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        return capabilities.probe(PREFIX, Path("/tmp"))

    report = {each.name: each for each in in_child(ask)}
    assert not report["user namespaces"].available
    assert not report["user namespaces"].without
