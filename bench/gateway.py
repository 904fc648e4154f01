"""An HTTP API in front of a function, beside the same function called directly; and what idle connections take.

Directly and unsigned, as the API is called, there is only the function's URL, which makes an HTTP event too. What is
without both is an Invoke less its signature: what verifying that took is measured apart and taken off.
"""

import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from load import Endpoint, http_post
from memory import SETTLE_S
from processes import pss_bytes, tree
from scale import Scale
from signature import signature_us
from stoker_target import PAYLOAD, REGION, Stoker
from warm import Target, WarmFigures, measure_warm

ACCOUNT = "000000000000"
IDLE_CONNECTIONS = 2_000
INVOKE, API, URL = "invoke", "HTTP API", "function URL"


@dataclass(frozen=True, kw_only=True)
class GatewayFigures:
    """By rounds, of each; `invoke` is without its signature, which took `signature_us`; bytes of an idle connection."""

    invoke: WarmFigures
    api: WarmFigures
    url: WarmFigures
    signature_us: float
    idle_bytes: float


async def measure_gateway(stoker: Stoker, name: str, scale: Scale) -> GatewayFigures:
    """Leaves an API and a URL behind."""
    endpoint, url = _make(stoker, name), _make_url(stoker, name)
    pid = stoker.server.pid
    targets = [
        Target(name=INVOKE, endpoint=partial(stoker.endpoint, name), pid=pid, required=True),
        Target(name=API, endpoint=lambda: endpoint, pid=pid, required=True),
        Target(name=URL, endpoint=lambda: url, pid=pid, required=True),
    ]
    figures, _ = await measure_warm(targets, scale)
    taken_us = signature_us(stoker, name)
    return GatewayFigures(
        invoke=_without(figures[INVOKE], taken_us),
        api=figures[API],
        url=figures[URL],
        signature_us=taken_us,
        idle_bytes=_idle_bytes(stoker, endpoint),
    )


def _without(signed: WarmFigures, taken_us: float) -> WarmFigures:
    return WarmFigures(
        p50_ms=[each - taken_us / 1000 for each in signed.p50_ms],
        per_second=signed.per_second,
        cpu_us=[each - taken_us for each in signed.cpu_us],
    )


def _make(stoker: Stoker, name: str) -> Endpoint:
    target = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    api_id = stoker.client("apigatewayv2").create_api(Name=name, ProtocolType="HTTP", Target=target)["ApiId"]
    stoker.client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*",
    )
    headers = {"Host": f"{api_id}.execute-api.{REGION}.localhost", "Content-Type": "application/json"}
    return Endpoint(port=stoker.port, request=http_post("/", PAYLOAD, headers))


def _make_url(stoker: Stoker, name: str) -> Endpoint:
    functions = stoker.client("lambda")
    url = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    everybody = {"FunctionName": name, "Principal": "*"}
    functions.add_permission(
        **everybody, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    functions.add_permission(
        **everybody, StatementId="function", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    path = urlsplit(url).path
    headers = {"Host": f"127.0.0.1:{stoker.port}", "Content-Type": "application/json"}
    return Endpoint(port=stoker.port, request=http_post(path, PAYLOAD, headers))


def _idle_bytes(stoker: Stoker, endpoint: Endpoint) -> float:
    """What a connection adds that has had its answer and is kept."""
    before = _pss(stoker)
    with ExitStack() as stack:
        for _ in range(IDLE_CONNECTIONS):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", endpoint.port)))
            sock.sendall(endpoint.request)
            sock.recv(65536)
        return (_pss(stoker) - before) / IDLE_CONNECTIONS


def _pss(stoker: Stoker) -> int:
    time.sleep(SETTLE_S)
    return pss_bytes(tree(stoker.server.pid))
