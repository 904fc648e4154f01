"""Packets between namespaces that are made here: one plays the host, one the world, others are connected to the host.

Nothing of the machine's own network is touched: each test is a child process that lives in the host's namespace.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

import pytest
from linux_child import in_child

from stoker.linux import firewall, namespaces, network
from stoker.linux.namespaces import CLONE_NEWNET
from stoker.linux.network import Uplink
from stoker.linux.rtnetlink import RoutingSocket

pytestmark = pytest.mark.root

HOST, WORLD = "198.51.100.1", "198.51.100.2"
ROUTER, METADATA = "169.254.169.1", "169.254.169.254"
PREFIX = "netcheck"
PATIENCE_S = 0.25
# For what must come: a busy machine may take its time.
LONG_PATIENCE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The calling process is in the host's namespace."""

    world: int
    uplink: Uplink


def on_a_host(act: Callable[[Scene], Any]) -> Any:
    def build_and_act() -> Any:
        world = namespaces.create_network_namespace()
        namespaces.unshare(CLONE_NEWNET)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("0")  # a new namespace begins with the machine's setting
        with RoutingSocket() as routing:
            routing.add_veth("uplink0", "eth0", world)
            configure(routing, "uplink0", HOST + "/24", ROUTER + "/24")
        with namespaces.entered(world, CLONE_NEWNET), RoutingSocket() as routing:
            configure(routing, "eth0", WORLD + "/24", METADATA + "/24")
            routing.add_default_route(IPv4Address(HOST))
        return act(Scene(world=world, uplink=Uplink(PREFIX)))

    return in_child(build_and_act)


def configure(routing: RoutingSocket, link: str, *addresses: str) -> None:
    routing.set_up(1)
    index = socket.if_nametoindex(link)
    for address in addresses:
        routing.add_address(index, IPv4Interface(address))
    routing.set_up(index)


def reaches(namespace: int, address: str, port: int, patience_s: float = PATIENCE_S) -> bool:
    with namespaces.entered(namespace, CLONE_NEWNET):
        try:
            socket.create_connection((address, port), timeout=patience_s).close()
        except TimeoutError:
            return False
    return True


def test_the_world_is_reached_under_the_host_s_address() -> None:
    def connect(scene: Scene) -> str:
        inside = namespaces.create_network_namespace()
        scene.uplink.connect(inside, 0)
        server = network.listen_inside(scene.world, WORLD, 80)
        assert reaches(inside, WORLD, 80, LONG_PATIENCE_S)
        return str(server.accept()[1][0])

    assert on_a_host(connect) == HOST


def test_nothing_of_the_host_is_reached_by_any_of_its_addresses() -> None:
    def connect(scene: Scene) -> tuple[list[bool], bool]:
        inside = namespaces.create_network_namespace()
        link = scene.uplink.connect(inside, 0)
        _server = socket.create_server(("0.0.0.0", 80))
        walled = [reaches(inside, address, 80) for address in (HOST, str(link.host_address))]
        scene.uplink.close()
        return walled, reaches(inside, HOST, 80, LONG_PATIENCE_S)

    assert on_a_host(connect) == ([False, False], True)


def test_a_neighbour_is_not_reached() -> None:
    def connect(scene: Scene) -> tuple[bool, bool]:
        inside, other = namespaces.create_network_namespace(), namespaces.create_network_namespace()
        scene.uplink.connect(inside, 0)
        neighbour = str(scene.uplink.connect(other, 1).guest_address)
        _server = network.listen_inside(other, neighbour, 80)
        walled = reaches(inside, neighbour, 80)
        scene.uplink.close()
        return walled, reaches(inside, neighbour, 80, LONG_PATIENCE_S)

    assert on_a_host(connect) == (False, True)


def test_the_cloud_s_metadata_is_not_reached() -> None:
    def connect(scene: Scene) -> tuple[bool, bool]:
        inside = namespaces.create_network_namespace()
        scene.uplink.connect(inside, 0)
        _server = network.listen_inside(scene.world, METADATA, 80)
        walled = reaches(inside, METADATA, 80)
        scene.uplink.close()
        return walled, reaches(inside, METADATA, 80, LONG_PATIENCE_S)

    assert on_a_host(connect) == (False, True)


def test_the_world_cannot_begin_a_conversation() -> None:
    def connect(scene: Scene) -> tuple[bool, bool]:
        inside = namespaces.create_network_namespace()
        address = str(scene.uplink.connect(inside, 0).guest_address)
        _server = network.listen_inside(inside, address, 80)
        walled = reaches(scene.world, address, 80)
        scene.uplink.close()
        return walled, reaches(scene.world, address, 80, LONG_PATIENCE_S)

    assert on_a_host(connect) == (False, True)


def test_a_made_up_source_address_gets_nowhere() -> None:
    def send(scene: Scene) -> list[bool]:
        inside = namespaces.create_network_namespace()
        scene.uplink.connect(inside, 0)
        with namespaces.entered(inside, CLONE_NEWNET), RoutingSocket() as routing:
            routing.add_address(socket.if_nametoindex("eth0"), IPv4Interface("203.0.113.9/32"))
        with namespaces.entered(scene.world, CLONE_NEWNET):
            ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            ear.bind((WORLD, 53))
            ear.settimeout(PATIENCE_S)
        walled = heard(inside, ear)
        scene.uplink.close()
        ear.settimeout(LONG_PATIENCE_S)
        return [walled, heard(inside, ear)]

    assert on_a_host(send) == [False, True]


def heard(inside: int, ear: socket.socket) -> bool:
    with namespaces.entered(inside, CLONE_NEWNET), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.bind(("203.0.113.9", 0))
        mouth.sendto(b"psst", (WORLD, 53))
    try:
        return ear.recv(16) == b"psst"
    except TimeoutError:
        return False


def test_one_namespace_cannot_fill_the_machine_s_table_of_connections() -> None:
    def flood(scene: Scene) -> int:
        inside = namespaces.create_network_namespace()
        scene.uplink.connect(inside, 0)
        with namespaces.entered(inside, CLONE_NEWNET), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            for port in range(1, 2 * firewall.MAX_FLOWS):
                mouth.sendto(b"", (WORLD, port))
        return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())

    assert firewall.MAX_FLOWS / 2 < on_a_host(flood) <= firewall.MAX_FLOWS + 16


def test_inside_there_is_ipv6_on_the_loopback_only() -> None:
    def look(scene: Scene) -> set[str]:
        inside = namespaces.create_network_namespace()
        scene.uplink.connect(inside, 0)
        with namespaces.entered(inside, CLONE_NEWNET):
            return {line.split()[-1] for line in Path("/proc/thread-self/net/if_inet6").read_text().splitlines()}

    assert on_a_host(look) <= {"lo"}


def test_a_cable_s_number_can_be_used_again_at_once() -> None:
    def reconnect(scene: Scene) -> bool:
        inside, second = namespaces.create_network_namespace(), namespaces.create_network_namespace()
        link = scene.uplink.connect(inside, 7)
        scene.uplink.disconnect(link)
        scene.uplink.disconnect(link)
        again = scene.uplink.connect(second, 7)
        _server = network.listen_inside(scene.world, WORLD, 80)
        return again == link and reaches(second, WORLD, 80, LONG_PATIENCE_S)

    assert on_a_host(reconnect)


def test_forwarding_is_switched_on_where_it_was_off_and_that_is_said() -> None:
    def look(scene: Scene) -> tuple[bool, str, bool]:
        forwarding = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()
        return scene.uplink.forwarding_was_off, forwarding, Uplink(PREFIX + "2").forwarding_was_off

    assert on_a_host(look) == (True, "1", False)


def test_the_rules_of_a_killed_instance_are_swept_and_those_of_a_living_one_are_kept() -> None:
    def kill_and_sweep(scene: Scene) -> tuple[int, int, int]:
        dead = os.fork()
        if dead == 0:
            Uplink(PREFIX)
            os._exit(0)
        os.waitpid(dead, 0)
        return len(firewall.tables()), len(network.sweep(PREFIX)), len(firewall.tables())

    assert on_a_host(kill_and_sweep) == (2, 1, 1)


def test_a_socket_that_listens_inside_is_served_from_outside() -> None:
    inside = namespaces.create_network_namespace()
    try:
        network.loopback_up(inside)
        with network.listen_inside(inside, "127.0.0.1", 9001) as server:
            assert reaches(inside, "127.0.0.1", 9001, LONG_PATIENCE_S)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.getsockname()[1]), timeout=PATIENCE_S)
    finally:
        os.close(inside)


def test_a_machine_without_nft_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall.shutil, "which", lambda program, path: None)
    reason = network.unavailable_reason(PREFIX)
    assert reason is not None
    assert "nftables" in reason
