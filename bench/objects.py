"""S3: small objects put and got by eight clients, and a large one both ways.

An object is answered once it is on the disk, so that puts follow how long the disk takes.
"""

import socket
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from load import Endpoint, measure
from scale import Scale
from stoker_target import REGION, Stoker
from target import TargetError

CLIENTS = 8
# As many as keep clients apart from each other; signing one takes as long as getting it.
KEYS = 256
SMALL_BYTES = 1_000
LARGE_MB = 256
BUCKET = "bench"
_MB = 1 << 20
_PIECE = bytes(_MB)


@dataclass(kw_only=True)
class ObjectFigures:
    """By rounds: puts and gets of small objects a second, and MB a second of a large one."""

    puts: list[float] = field(default_factory=list)
    gets: list[float] = field(default_factory=list)
    large_puts: list[float] = field(default_factory=list)
    large_gets: list[float] = field(default_factory=list)


async def measure_objects(stoker: Stoker, scale: Scale) -> ObjectFigures:
    """Leaves a bucket behind."""
    s3 = stoker.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for number in range(KEYS):
        s3.put_object(Bucket=BUCKET, Key=f"small/{number}", Body=b"")
    put, get = _endpoint(stoker, "PUT"), _endpoint(stoker, "GET")
    figures = ObjectFigures()
    for _ in range(scale.warm_rounds):
        figures.puts.append((await measure(put, connections=CLIENTS, seconds=scale.throughput_s)).per_second)
        figures.gets.append((await measure(get, connections=CLIENTS, seconds=scale.throughput_s)).per_second)
        figures.large_puts.append(LARGE_MB / _large(stoker, "PUT"))
        figures.large_gets.append(LARGE_MB / _large(stoker, "GET"))
    return figures


def _endpoint(stoker: Stoker, method: str) -> Endpoint:
    body = b"x" * SMALL_BYTES if method == "PUT" else b""
    first, *others = [_signed(stoker, method, f"small/{number}", body) for number in range(KEYS)]
    return Endpoint(port=stoker.port, request=first, others=others)


def _signed(stoker: Stoker, method: str, key: str, body: bytes) -> bytes:
    host, path = f"127.0.0.1:{stoker.port}", f"/{BUCKET}/{key}"
    request = AWSRequest(method, f"http://{host}{path}", data=body, headers={"Host": host})
    S3SigV4Auth(Credentials(*stoker.keys), "s3", REGION).add_auth(request)
    return _http(method, path, dict(request.headers), len(body)) + body


def _http(method: str, path: str, headers: dict[str, str], length: int) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def _large(stoker: Stoker, method: str) -> float:
    """The seconds that a large object takes, by a client that does nothing with it."""
    length = LARGE_MB * _MB if method == "PUT" else 0
    where = {"Bucket": BUCKET, "Key": "large"}
    link = urlsplit(stoker.client("s3").generate_presigned_url(f"{method.lower()}_object", Params=where))
    head = _http(method, f"{link.path}?{link.query}", {"Host": link.netloc}, length)
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", stoker.port)) as connection:
        connection.sendall(head)
        for _ in range(length // _MB):
            connection.sendall(_PIECE)
        answer = connection.recv(_MB)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise TargetError(answer.decode(errors="replace"))
        data = answer.partition(b"\r\n\r\n")[2]
        left = (0 if method == "PUT" else LARGE_MB * _MB) - len(data)
        buffer = bytearray(_MB)
        while left > 0:
            taken = connection.recv_into(buffer)
            if not taken:
                raise TargetError("the connection was closed within a large object")
            left -= taken
    return time.perf_counter() - began
