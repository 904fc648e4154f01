"""The kernel's routing socket (rtnetlink(7)): links, addresses and routes of one network namespace.

Written out for the six messages that are needed. pyroute2 was tried: its import takes 440 ms, an operation 1 ms against
0.05, and its blocking calls cannot be made on a thread whose event loop runs.
"""

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from types import TracebackType

_RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_NEWROUTE, _RTM_GETROUTE = 16, 17, 20, 24, 26
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_EXCL, _NLM_F_CREATE, _NLM_F_DUMP = 0x1, 0x4, 0x200, 0x400, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 3, 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_GATEWAY = 1, 5
_RT_TABLE_MAIN, _RTPROT_STATIC, _RTN_UNICAST = 254, 4, 1
_IFF_UP = 1

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=8BI")
_ATTRIBUTE = struct.Struct("=HH")
_RECEIVE_BYTES = 1 << 16


class LinkError(OSError):
    """The kernel refused to set up a link, address or route; says which."""


class RoutingSocket:
    """Talks about the network namespace in which it was opened, wherever the calling thread is later.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> "RoutingSocket":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def add_veth(self, name: str, peer_name: str, peer_namespace_fd: int) -> None:
        """A virtual cable: `name` here, `peer_name` in the other namespace. Gone when either namespace is."""
        peer = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, peer_name)
        peer += _attribute(_IFLA_NET_NS_FD, struct.pack("=I", peer_namespace_fd))
        data = _attribute(_IFLA_INFO_DATA, _attribute(_VETH_INFO_PEER, peer))
        info = _attribute(_IFLA_LINKINFO, _text(_IFLA_INFO_KIND, "veth") + data)
        flags = _NLM_F_CREATE | _NLM_F_EXCL
        body = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name) + info
        self._ask(_RTM_NEWLINK, flags, body, f"create the link {name}")

    def set_up(self, index: int) -> None:
        """Switch a link on."""
        self._ask(_RTM_NEWLINK, 0, _LINK.pack(0, 0, index, _IFF_UP, _IFF_UP), f"switch link {index} on")

    def delete(self, name: str) -> None:
        """Remove a link, and with a veth its other end. Waits some 14 ms until no packet can be on it."""
        self._ask(_RTM_DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name), f"delete the link {name}")

    def add_address(self, index: int, interface: ipaddress.IPv4Interface) -> None:
        """Give a link an address and the route to its network."""
        packed = interface.ip.packed
        body = _ADDRESS.pack(socket.AF_INET, interface.network.prefixlen, 0, 0, index)
        body += _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
        self._ask(_RTM_NEWADDR, _NLM_F_CREATE | _NLM_F_EXCL, body, f"add the address {interface}")

    def add_default_route(self, gateway: ipaddress.IPv4Address) -> None:
        """Send everything that has no other route to `gateway`."""
        body = _ROUTE.pack(socket.AF_INET, 0, 0, 0, _RT_TABLE_MAIN, _RTPROT_STATIC, 0, _RTN_UNICAST, 0)
        body += _attribute(_RTA_GATEWAY, gateway.packed)
        self._ask(_RTM_NEWROUTE, _NLM_F_CREATE | _NLM_F_EXCL, body, f"add the default route by {gateway}")

    def networks(self) -> list[ipaddress.IPv4Network]:
        """The networks that IPv4 routes of any table lead to, the default route left out."""
        body = _ROUTE.pack(socket.AF_INET, *[0] * 8)
        found = []
        for message in self._dump(_RTM_GETROUTE, body):
            prefix_length = message[1]
            destination = _find(message[_ROUTE.size :], _RTA_DST)
            if destination is not None:
                found.append(ipaddress.IPv4Network((destination, prefix_length)))
        return found

    def _ask(self, kind: int, flags: int, body: bytes, action: str) -> None:
        self._send(kind, flags | _NLM_F_ACK, body)
        for answer, payload in _messages(self._socket.recv(_RECEIVE_BYTES)):
            _check(answer, payload, action)

    def _dump(self, kind: int, body: bytes) -> Iterator[bytes]:
        self._send(kind, _NLM_F_DUMP, body)
        while True:
            for answer, payload in _messages(self._socket.recv(_RECEIVE_BYTES)):
                if answer == _NLMSG_DONE:
                    return
                _check(answer, payload, "list routes")
                yield payload

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, kind, flags | _NLM_F_REQUEST, self._sequence, 0) + body)


def _check(kind: int, payload: bytes, action: str) -> None:
    if kind != _NLMSG_ERROR:
        return
    error = -int.from_bytes(payload[:4], "little", signed=True)
    if error:
        raise LinkError(error, f"{action}: {os.strerror(error)} ({errno.errorcode.get(error, error)})")


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def _find(attributes: bytes, wanted: int) -> bytes | None:
    while attributes:
        length, kind = _ATTRIBUTE.unpack_from(attributes)
        if kind == wanted:
            return attributes[_ATTRIBUTE.size : length]
        attributes = attributes[_aligned(length) :]
    return None


def _attribute(kind: int, payload: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(_aligned(length) - length)


def _text(kind: int, text: str) -> bytes:
    return _attribute(kind, text.encode() + b"\0")


def _aligned(length: int) -> int:
    return (length + 3) & ~3
