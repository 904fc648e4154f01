"""An HTTP API in front of a function, beside the same function's Invoke; and what idle connections take."""

import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from load import Endpoint, http_post
from memory import SETTLE_S
from processes import pss_bytes, tree
from scale import Scale
from stoker_target import PAYLOAD, REGION, Stoker
from warm import Target, WarmFigures, measure_warm

ACCOUNT = "000000000000"
IDLE_CONNECTIONS = 2_000
INVOKE, API = "invoke", "HTTP API"


@dataclass(frozen=True, kw_only=True)
class GatewayFigures:
    """By rounds, of both; and the bytes of one idle connection."""

    invoke: WarmFigures
    api: WarmFigures
    idle_bytes: float


async def measure_gateway(stoker: Stoker, name: str, scale: Scale) -> GatewayFigures:
    """Leaves an API behind."""
    endpoint = _make(stoker, name)
    pid = stoker.server.pid
    targets = [
        Target(name=INVOKE, endpoint=partial(stoker.endpoint, name), pid=pid, required=True),
        Target(name=API, endpoint=lambda: endpoint, pid=pid, required=True),
    ]
    figures, _ = await measure_warm(targets, scale)
    return GatewayFigures(invoke=figures[INVOKE], api=figures[API], idle_bytes=_idle_bytes(stoker, endpoint))


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
