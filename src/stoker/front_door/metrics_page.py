"""/_stoker/metrics: figures for Prometheus, which signs nothing: it brings a token, or comes from this machine."""

import asyncio
import hmac
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from stoker.front_door.own_paths import json_response
from stoker.observability.metrics import Figures, Gauge, Metrics, Readings
from stoker.wire.message import Request, Response

# What a proxy tells of whom it speaks for. A request through one only looks as if it came from this machine.
_OF_PROXIES = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})


class MetricsPage:
    """Answers GET /_stoker/metrics to who has the token and, if `open_to_this_machine`, to this machine's programs."""

    def __init__(self, metrics: Metrics, *, token: str, open_to_this_machine: bool) -> None:
        self._metrics = metrics
        self._token = token.encode()
        self._open_to_this_machine = open_to_this_machine

    async def answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return json_response(405, {"message": "Only GET and HEAD."})
        if not self._may_read(request):
            refusal = json_response(
                401, {"message": "Metrics are for who brings the token that `stoker credentials --metrics` shows."}
            )
            refusal.headers.append(("www-authenticate", "Bearer"))
            return refusal
        gauges = [(gauge, await gauge.read()) for gauge in self._metrics.gauges]
        figures, accept = self._metrics.figures(), request.headers.get("accept", "")
        body, content_type = await asyncio.to_thread(_expose, figures, gauges, accept)
        headers = [("content-type", content_type), ("content-length", str(len(body))), ("cache-control", "no-store")]
        return Response(status=200, headers=headers, body=body)

    def _may_read(self, request: Request) -> bool:
        authorization = request.headers.get("authorization")
        if authorization is None:
            return self._open_to_this_machine and _is_of_this_machine(request)
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token)


def _expose(figures: Figures, gauges: Sequence[tuple[Gauge, Readings]], accept: str) -> tuple[bytes, str]:
    # Loaded when somebody first looks.
    from stoker.observability.exposition import expose

    return expose(figures, gauges, accept)


def _is_of_this_machine(request: Request) -> bool:
    """It comes from this machine and calls it so: a name of elsewhere is a proxy's, or a web page's that rebinds it."""
    try:
        called = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    is_called_so = called == "localhost" or _is_loopback(called)
    return is_called_so and _is_loopback(request.source_ip) and _OF_PROXIES.isdisjoint(request.headers)


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback)
