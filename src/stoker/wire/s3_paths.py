"""S3's addresses, which are unlike every other API's: keys are paths, with every slash of theirs, and a bucket may be
in the host's name.

Source: "Virtual hosting of general purpose buckets" in the S3 user guide. Besides hosts with a label `s3`
(`bucket.s3.us-east-1.amazonaws.com`, `bucket.s3.example.org`) the names under `localhost` are buckets.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from botocore.model import OperationModel, ServiceModel

from stoker.wire.errors import UnknownOperationException
from stoker.wire.message import Request
from stoker.wire.rest import Query, parse_query

_BUCKET = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?:s3[a-z0-9-]*\.[a-z0-9.-]+|localhost)")

_WEBSITE = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3-website[.-][a-z0-9.-]+")


def website_of_host(host: str) -> str | None:
    """The bucket whose website a host is."""
    found = _WEBSITE.fullmatch(host.rpartition(":")[0] if ":" in host else host)
    return None if found is None else found[1]


def bucket_of_host(host: str) -> str | None:
    """The bucket that a host names; None where it names none, as for path-style addresses."""
    found = _BUCKET.fullmatch(host.rpartition(":")[0] if ":" in host else host)
    return None if found is None or found[1] == "s3" else found[1]


def path_style(request: Request) -> Request:
    """The request as a path-style one. Its signature is that of the request as it was sent."""
    bucket = website_of_host(request.host) or bucket_of_host(request.host)
    return request if bucket is None else request.at(f"/{bucket}{request.path}")


def split_path(path: str) -> list[str]:
    """Bucket and key's parts, still encoded. Empty parts belong to the key."""
    return path.removeprefix("/").split("/")


def bucket_and_key(path: str) -> tuple[str, str]:
    """What a path-style path names, decoded; empty where it does not name it."""
    bucket, _, key = path.removeprefix("/").partition("/")
    return unquote(bucket), unquote(key, errors="surrogateescape")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Leaf:
    """One operation. `query` has to be sent; `members` (queries, headers) are what its input cannot do without."""

    name: str
    query: Query
    queries: frozenset[str]
    headers: frozenset[str]
    deprecated: bool

    @property
    def rank(self) -> tuple[int, int, bool, str]:
        return -len(self.query), -len(self.queries) - len(self.headers), self.deprecated, self.name

    def is_asked_for(self, sent: Query) -> bool:
        return all(key in sent and values in ([""], sent[key]) for key, values in self.query.items())

    def is_complete(self, sent: Query, request: Request) -> bool:
        return self.queries <= sent.keys() and self.headers <= request.headers.keys()


class S3Router:
    """Finds an operation by method, by what the path names, and by the parameters that it cannot do without."""

    def __init__(self, model: ServiceModel) -> None:
        self._leaves: dict[tuple[str, int], list[_Leaf]] = {}
        for name in model.operation_names:
            operation = model.operation_model(name)
            path = operation.http["requestUri"].partition("?")[0]
            depth = 0 if path == "/" else path.count("{")
            if path == "/" or depth:
                self._leaves.setdefault((operation.http["method"], depth), []).append(_leaf(operation))
        for leaves in self._leaves.values():
            leaves.sort(key=lambda leaf: leaf.rank)

    def find(self, request: Request) -> str:
        """The operation's name; raises UnknownOperationException."""
        bucket, _, key = request.path.removeprefix("/").partition("/")
        depth = 2 if key else 1 if bucket else 0
        sent = parse_query(request.query)
        asked = [leaf for leaf in self._leaves.get((request.method, depth), ()) if leaf.is_asked_for(sent)]
        if not asked:
            raise UnknownOperationException()
        # Of those for the same subresource the one that everything is there for, or the one that needs least.
        best = [leaf for leaf in asked if len(leaf.query) == len(asked[0].query)]
        return next((leaf for leaf in best if leaf.is_complete(sent, request)), best[-1]).name


def _leaf(operation: OperationModel) -> _Leaf:
    shape = operation.input_shape
    queries, headers = set(), set()
    required = [] if shape is None else [shape.members[name] for name in shape.required_members]
    for member in required:
        serialization = member.serialization
        if serialization.get("location") == "querystring":
            queries.add(serialization["name"])
        elif serialization.get("location") == "header":
            headers.add(serialization["name"].lower())
    return _Leaf(
        name=operation.name,
        query=parse_query(operation.http["requestUri"].partition("?")[2]),
        queries=frozenset(queries),
        headers=frozenset(headers),
        deprecated=bool(operation.deprecated),
    )
