"""The protocol smithy-rpc-v2-cbor: CloudWatch's. The path names the operation, everything else is CBOR in the body.

Source: "Smithy RPC v2 CBOR protocol" in Smithy's documentation.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, NoReturn

import cbor2
from botocore.model import OperationModel, ServiceModel, Shape

from stoker.wire import json_values
from stoker.wire.errors import SerializationException, UnknownOperationException
from stoker.wire.message import Request, Response, Result
from stoker.wire.protocol import REQUEST_ID_HEADER, Fault, Plan, message_member, with_headers
from stoker.wire.query import query_error

PROTOCOL_HEADER = "smithy-protocol"
_PROTOCOL = "rpc-v2-cbor"
# What nests deepest in any model that speaks it has a dozen levels.
_MAX_DEPTH = 64
# Tags that the library would make values of: of each but a timestamp's a document could be made that costs more than
# its bytes (numbers without end, shared and cyclic values).
_REFUSED_TAGS = (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799)
TIMESTAMP_TAG = 1


class CborRpc:
    """smithy-rpc-v2-cbor, for one service."""

    operation_in_body: ClassVar[bool] = False
    unstated_error_status: ClassVar[tuple[int, int] | None] = (400, 500)

    def __init__(self, model: ServiceModel) -> None:
        self._prefix = f"/service/{model.metadata['targetPrefix']}/operation/"
        self._came_from_query = "awsQueryCompatible" in model.metadata
        self._operations = frozenset(model.operation_names)
        self._readers = json_values.JsonReaders({"blob": read_blob})
        self._writers = CborWriters()

    def operation(self, request: Request) -> str:
        name = request.path.removeprefix(self._prefix)
        if name == request.path or name not in self._operations:
            raise UnknownOperationException()
        return name

    def compile(self, model: OperationModel) -> Plan:
        read = self._readers.structure(model.input_shape) if model.input_shape is not None else None
        write = self._writers.structure(model.output_shape) if model.output_shape is not None else None
        return Plan(parse=partial(_parse, read), serialise=partial(_serialise, write))

    def fail(self, fault: Fault, request_id: str) -> Response:
        members = {name: value for name, value in fault.members.items() if value is not None}
        name = fault.shape.name if fault.shape is not None else fault.code
        body = {"__type": name, **members, message_member(fault.shape): fault.message}
        response = _answer(fault.status, cbor2.dumps(body), request_id)
        if not self._came_from_query:
            return response
        return with_headers(response, {"x-amzn-query-error": query_error(fault)})


class CborWriters(json_values.JsonWriters):
    """CBOR has bytes, and a tag for moments; a whole number is not the same as a floating-point one."""

    def value(self, shape: Shape) -> json_values.Writer | None:
        if shape.type_name == "timestamp":
            return _write_timestamp
        if shape.type_name in ("float", "double"):
            return float
        return None if shape.type_name == "blob" else super().value(shape)


def _parse(read: Callable[[Any], dict[str, Any]] | None, request: Request) -> dict[str, Any]:
    if read is None or not request.body:
        return {} if read is None else read({})
    try:
        document = decode(request.body)
    except ValueError as error:
        raise SerializationException(str(error)) from error
    return read(document)


def decode(body: bytes) -> Any:
    """A stranger's document; raises ValueError. Moments are the numbers in them."""
    try:
        return cbor2.loads(body, semantic_decoders=_DECODERS, max_depth=_MAX_DEPTH, strict_hashable_types=True)
    except (cbor2.CBORError, ValueError, OverflowError) as error:
        raise ValueError("The body is not CBOR that its operation takes") from error


def _serialise(write: json_values.Writer | None, result: Result, request_id: str) -> Response:
    return _answer(result.status or 200, cbor2.dumps(write(result.members) if write is not None else {}), request_id)


def _answer(status: int, body: bytes, request_id: str) -> Response:
    headers = [
        (REQUEST_ID_HEADER, request_id),
        (PROTOCOL_HEADER, _PROTOCOL),
        ("content-type", "application/cbor"),
        ("content-length", str(len(body))),
    ]
    return Response(status=status, headers=headers, body=body)


def read_blob(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise SerializationException("Expected bytes")
    return value


def _write_timestamp(moment: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(TIMESTAMP_TAG, float(moment.timestamp() if hasattr(moment, "timestamp") else moment))


def _refuse(_value: Any, _immutable: bool = False) -> NoReturn:
    raise ValueError("a tag that no protocol of AWS has")


def _as_number(value: Any, _immutable: bool = False) -> Any:
    return value


_DECODERS: Mapping[int, Any] = dict.fromkeys(_REFUSED_TAGS, _refuse) | {TIMESTAMP_TAG: _as_number}
