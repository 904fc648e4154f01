from ipaddress import IPv4Network

import pytest

from stoker.linux import firewall, network
from stoker.linux.rtnetlink import LinkError


def test_a_range_that_a_route_leads_to_is_not_taken() -> None:
    first = network.free_range(0, [], set())
    second = network.free_range(0, [IPv4Network((first.network_address, 24))], set())
    assert first == IPv4Network("10.213.0.0/16")
    assert second == IPv4Network("10.214.0.0/16")


def test_two_instances_have_different_ranges() -> None:
    first = network.free_range(0, [], set())
    assert network.free_range(0, [], {first}) != first


def test_the_default_route_takes_nothing_away() -> None:
    assert network.free_range(0, [IPv4Network("0.0.0.0/0")], set()) == IPv4Network("10.213.0.0/16")


def test_a_machine_that_uses_them_all_is_told_so() -> None:
    with pytest.raises(LinkError, match="in use"):
        network.free_range(0, [IPv4Network("10.0.0.0/8")], set())


def test_the_rules_name_only_this_instance_s_links_as_sources() -> None:
    text = firewall.rules("t-1", "sbxaaaaaa", "sbx", IPv4Network("10.213.0.0/16"))
    sources = {line.split('"')[1] for line in text.splitlines() if "iifname" in line}
    assert sources == {"sbxaaaaaa*"}
