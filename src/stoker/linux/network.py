"""Networks of namespaces: a loopback for each, and for those that may reach the world a cable to the host.

A network namespace belongs to a thread, and every function here comes back to the one it was called in before it
returns. So they may be called from any thread of a multi-threaded process, as long as they are called and not awaited.
"""

import contextlib
import errno
import ipaddress
import os
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stoker.linux import firewall, instances, namespaces
from stoker.linux.rtnetlink import LinkError, RoutingSocket

_BACKLOG = 64
_LOOPBACK_INDEX = 1  # the kernel makes it first in every namespace
_GUEST_LINK = "eth0"
# One of these is an instance's: private (RFC 1918) and seldom used by others. A /31 (RFC 3021) for each cable.
_RANGES = tuple(ipaddress.IPv4Network(f"10.{octet}.0.0/16") for octet in range(213, 253))
_LINKS_PER_RANGE = 1 << 15
_ALL_LINKS = "sbx"
_IPV4_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_IPV6_SETTINGS = Path("/proc/sys/net/ipv6/conf")


class NetworkUnavailableError(Exception):
    """Namespaces can't be connected to the world on this machine; says what is missing. They still have loopback."""


# No dataclass: those load what reads Python's sources, 1.4 MB for as long as the process lives that connects networks.
class Link(NamedTuple):
    """A cable between a namespace and the host; its number may be used again after `Uplink.disconnect`."""

    name: str
    host_address: ipaddress.IPv4Address
    guest_address: ipaddress.IPv4Address


def loopback_up(namespace_fd: int) -> None:
    """Switch a namespace's loopback on, so that 127.0.0.1 can be bound in it."""
    with namespaces.entered(namespace_fd, namespaces.CLONE_NEWNET), RoutingSocket() as routing:
        routing.set_up(_LOOPBACK_INDEX)


def listen_inside(namespace_fd: int, address: str, port: int) -> socket.socket:
    """A TCP socket that listens in a namespace and is accepted from here: a socket stays where it was made."""
    with namespaces.entered(namespace_fd, namespaces.CLONE_NEWNET):
        return socket.create_server((address, port), backlog=_BACKLOG)


def socket_inside(namespace_fd: int) -> socket.socket:
    """A TCP socket that is in a namespace, wherever it is connected from: a socket stays where it was made."""
    with namespaces.entered(namespace_fd, namespaces.CLONE_NEWNET):
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


class Uplink:
    """What an instance's namespaces share on the way out: an address range and the firewall's table.

    `forwarding_was_off` says that ip_forward was switched on for it; it is left on, since by the end others may rely
    on it. Forwarded packets still meet the host's own firewall: one that drops them by default has to be told. Its
    methods may be called by several threads; `_lock` guards `_routing`.
    """

    def __init__(self, prefix: str, *, owner: int | None = None, network: ipaddress.IPv4Network | None = None) -> None:
        """Choose a range, set the rules. Raises NetworkUnavailableError.

        `owner` is the process with whose end the rules are abandoned, the calling one if not said. `network` is the
        range of an uplink of the same owner whose maker died: its cables and rules are taken over.
        """
        self._lock = threading.Lock()
        name = instances.name_of(owner or os.getpid(), prefix)
        self._routing = RoutingSocket()
        try:
            self.network = network or free_range(
                zlib.crc32(name.encode()), self._routing.networks(), _ranges_of_others(prefix)
            )
            self._table = f"{name}-{self.network.network_address.packed[1]}"
            self._links = f"{_ALL_LINKS}{zlib.crc32(self._table.encode()):08x}"[:9]
            self.forwarding_was_off = _switch_forwarding_on()
            # Last, so that a refusal of anything leaves no table behind.
            firewall.apply(firewall.rules(self._table, self._links, _ALL_LINKS, self.network))
        except OSError as error:
            self._routing.close()
            raise NetworkUnavailableError(str(error)) from error

    def __repr__(self) -> str:
        return f"<uplink {self.network} with links {self._links}*>"

    def connect(self, namespace_fd: int, index: int) -> Link:
        """Connect a namespace, as its `eth0`, with the range's cable number `index`; switches its loopback on too."""
        link = self._link(index)
        with self._lock:
            self._routing.add_veth(link.name, _GUEST_LINK, namespace_fd)
            try:
                self._set_up_host_end(link)
                _set_up_guest_end(namespace_fd, link)
            except BaseException:
                self._delete(link)
                raise
        return link

    def disconnect(self, link: Link) -> None:
        """Take a cable away; none there is no error, as it goes with its namespace. Waits some 14 ms."""
        with self._lock:
            self._delete(link)

    def close(self) -> None:
        """Remove the rules. Cables go with their namespaces."""
        firewall.remove(self._table)
        self._routing.close()

    def _link(self, index: int) -> Link:
        if not 0 <= index < _LINKS_PER_RANGE:
            raise ValueError(f"an uplink has {_LINKS_PER_RANGE} cables, no number {index}")
        host = self.network.network_address + 2 * index
        return Link(name=f"{self._links}{index:x}", host_address=host, guest_address=host + 1)

    def _set_up_host_end(self, link: Link) -> None:
        _disable_ipv6(link.name)
        index = socket.if_nametoindex(link.name)
        self._routing.add_address(index, ipaddress.IPv4Interface((link.host_address, 31)))
        self._routing.set_up(index)

    def _delete(self, link: Link) -> None:
        try:
            self._routing.delete(link.name)
        except LinkError as error:
            if error.errno != errno.ENODEV:
                raise


def unavailable_reason(prefix: str) -> str | None:
    """Why namespaces can't be connected here; None when two scratch namespaces just were, the host's left alone."""
    try:
        with (
            _scratch_namespace() as outside,
            _scratch_namespace() as inside,
            namespaces.entered(outside, namespaces.CLONE_NEWNET),
        ):
            uplink = Uplink(prefix)
            uplink.connect(inside, 0)
            uplink.close()
    except (OSError, NetworkUnavailableError) as error:
        return str(error)
    return None


@instances.sweeping()
def sweep(prefix: str) -> list[str]:
    """Remove the rules that instances left behind that were killed; their tables' names."""
    abandoned = [table for table in firewall.tables() if instances.is_abandoned(table.rpartition("-")[0], prefix)]
    for table in abandoned:
        firewall.remove(table)
    return abandoned


@contextlib.contextmanager
def _scratch_namespace() -> Iterator[int]:
    fd = namespaces.create_network_namespace()
    try:
        yield fd
    finally:
        os.close(fd)


def _set_up_guest_end(namespace_fd: int, link: Link) -> None:
    with namespaces.entered(namespace_fd, namespaces.CLONE_NEWNET), RoutingSocket() as routing:
        _disable_ipv6(_GUEST_LINK)
        index = socket.if_nametoindex(_GUEST_LINK)
        routing.set_up(_LOOPBACK_INDEX)
        routing.add_address(index, ipaddress.IPv4Interface((link.guest_address, 31)))
        routing.set_up(index)
        routing.add_default_route(link.host_address)


def _disable_ipv6(link: str) -> None:
    # The rules drop it anyway; without an address, programs see at once that there is none, and don't wait for answers.
    settings = _IPV6_SETTINGS / link / "disable_ipv6"
    if settings.exists():
        settings.write_text("1")


def _switch_forwarding_on() -> bool:
    """Have the host pass on packets that aren't its own; whether that had to be changed."""
    if _IPV4_FORWARD.read_text().strip() == "1":
        return False
    _IPV4_FORWARD.write_text("1")
    return True


def free_range(
    start: int, taken: list[ipaddress.IPv4Network], others: set[ipaddress.IPv4Network]
) -> ipaddress.IPv4Network:
    """The first range from the one numbered `start` that no route leads to and no other instance has."""
    for step in range(len(_RANGES)):
        candidate = _RANGES[(start + step) % len(_RANGES)]
        if candidate not in others and not any(candidate.overlaps(network) for network in taken if network.prefixlen):
            return candidate
    raise LinkError(errno.EADDRNOTAVAIL, f"every network from {_RANGES[0]} to {_RANGES[-1]} is in use here")


def _ranges_of_others(prefix: str) -> set[ipaddress.IPv4Network]:
    octets = {table.rpartition("-")[2] for table in firewall.tables() if table.startswith(f"{prefix}-")}
    return {network for network in _RANGES if str(network.network_address.packed[1]) in octets}
