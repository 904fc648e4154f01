"""Proxies in front, and for whom they speak: whose request it is, and over what it came."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from stoker.wire.message import Request


class Proxies:
    """Believes those in `networks` (addresses among them), and nobody else, about X-Forwarded-For and -Proto."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]
        self._is_ours = lru_cache(maxsize=1024)(self._look_up)

    def __repr__(self) -> str:
        return f"<Proxies {' '.join(map(str, self._networks))}>"

    def behind(self, request: Request) -> Request:
        """The request as whoever is behind the proxy sent it: as many hops back as are ours."""
        if not self._networks or not self._is_ours(request.source_ip):
            return request
        client = request.source_ip
        for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")):
            address = _address(hop.strip())
            if address is None:
                break
            client = address
            if not self._is_ours(address):
                break
        scheme = request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return replace(request, source_ip=client, scheme=scheme if scheme in ("http", "https") else request.scheme)

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _address(hop: str) -> str | None:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        ipaddress.ip_address(hop)
    except ValueError:
        return None
    return hop
