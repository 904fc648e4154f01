import fcntl
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from linux_child import in_child

from stoker.linux import namespaces

pytestmark = pytest.mark.root

NS_GET_OWNER_UID = 0xB704  # linux/nsfs.h


def own_network() -> int:
    return os.stat("/proc/thread-self/ns/net").st_ino


def test_a_new_network_has_nothing_but_a_loopback() -> None:
    before = own_network()
    fd = namespaces.create_network_namespace()
    with namespaces.entered(fd, namespaces.CLONE_NEWNET):
        assert socket.if_nameindex() == [(1, "lo")]
        assert own_network() == os.fstat(fd).st_ino
    os.close(fd)
    assert own_network() == before


def test_one_comes_back_from_a_namespace_also_by_an_exception() -> None:
    before = own_network()
    fd = namespaces.create_network_namespace()
    with pytest.raises(ZeroDivisionError), namespaces.entered(fd, namespaces.CLONE_NEWNET):
        raise ZeroDivisionError
    os.close(fd)
    assert own_network() == before


def test_the_machine_keeps_its_name() -> None:
    name = os.uname().nodename

    def rename() -> str:
        namespaces.unshare(namespaces.CLONE_NEWUTS)
        namespaces.set_hostname("elsewhere")
        return os.uname().nodename

    assert in_child(rename) == "elsewhere"
    assert os.uname().nodename == name


@pytest.fixture
def anybody_s() -> Iterator[Path]:
    """A directory that any user may write; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_an_id_inside_a_user_namespace_is_another_one_outside(anybody_s: Path) -> None:
    fd = namespaces.create_user_namespace([(0, 100_000, 1), (1000, 100_001, 1)])

    def make_file() -> int:
        namespaces.setns(fd, namespaces.CLONE_NEWUSER)
        os.setresgid(1000, 1000, 1000)
        os.setresuid(1000, 1000, 1000)
        (anybody_s / "file").touch()
        return (anybody_s / "file").stat().st_uid

    try:
        assert in_child(make_file) == 1000
    finally:
        os.close(fd)
    assert (anybody_s / "file").stat().st_uid == 100_001


def test_a_user_namespace_belongs_to_the_user_whose_limits_it_is_to_count_for() -> None:
    fd = namespaces.create_user_namespace([(0, 100_000, 1), (1000, 100_001, 1)], owner=100_000)
    try:
        assert int.from_bytes(fcntl.ioctl(fd, NS_GET_OWNER_UID, bytes(4)), sys.byteorder) == 100_000
        assert os.geteuid() == 0
    finally:
        os.close(fd)


def test_a_map_that_the_kernel_refuses_is_named_and_no_child_is_left() -> None:
    def refuse() -> None:
        with pytest.raises(namespaces.UserNamespaceError, match=r"uid_map: Invalid argument"):
            namespaces.create_user_namespace([(0, 100_000, 10), (5, 200_000, 10)])
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    # In a process of its own, which has no other children.
    in_child(refuse)
