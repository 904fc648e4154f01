"""The json protocol (awsJson 1.0 and 1.1): CloudWatch Logs, DynamoDB, SQS, EventBridge, Kinesis.

Java's SDK speaks it with Kinesis in CBOR, as long as nobody tells it not to: `packed_rpc.py`.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.model import OperationModel, ServiceModel, StructureShape

from stoker.wire import event_stream, json_values
from stoker.wire.errors import SerializationException, UnknownOperationException
from stoker.wire.message import Request, Response, Result
from stoker.wire.protocol import REQUEST_ID_HEADER, Fault, Plan, message_member, with_headers
from stoker.wire.query import query_error

TARGET_HEADER = "x-amz-target"


@dataclass(frozen=True, kw_only=True)
class Codec:
    """How documents are written. `decode` raises ValueError; `content_type` may name the version, `{}`."""

    content_type: str
    event_content_type: str
    readers: Callable[[], json_values.JsonReaders]
    writers: Callable[[], json_values.JsonWriters]
    decode: Callable[[bytes], dict[str, Any]]
    encode: Callable[[Any], bytes]


def _encode(value: Any) -> bytes:
    return json_values.encode(value).encode("ascii")


JSON = Codec(
    content_type="application/x-amz-json-{}",
    event_content_type="application/json",
    readers=json_values.JsonReaders,
    writers=json_values.JsonWriters,
    decode=json_values.parse_object,
    encode=_encode,
)


class JsonRpc:
    """json, for one service: the target header names the operation, everything else is in the body."""

    operation_in_body: ClassVar[bool] = False
    unstated_error_status: ClassVar[tuple[int, int] | None] = (400, 500)

    def __init__(self, model: ServiceModel, codec: Codec = JSON) -> None:
        self._codec = codec
        self._prefix = f"{model.metadata['targetPrefix']}."
        # DynamoDB's clients check it.
        self._tells_checksum = model.service_name == "dynamodb"
        self._came_from_query = "awsQueryCompatible" in model.metadata
        self._content_type = codec.content_type.format(model.metadata.get("jsonVersion", "1.1"))
        self._operations = frozenset(model.operation_names)
        self._readers = codec.readers()
        self._writers = codec.writers()

    def operation(self, request: Request) -> str:
        target = request.headers.get(TARGET_HEADER, "")
        name = target.removeprefix(self._prefix)
        if name == target or name not in self._operations:
            raise UnknownOperationException()
        return name

    def compile(self, model: OperationModel) -> Plan:
        read = self._readers.structure(model.input_shape) if model.input_shape is not None else None
        return Plan(parse=partial(_parse, self._codec.decode, read), serialise=self._serialiser(model.output_shape))

    def _serialiser(self, shape: StructureShape | None) -> Callable[[Result, str], Response]:
        if shape is None:
            return lambda result, request_id: self._answer(result.status or 200, b"", request_id)
        stream = event_stream.stream_member(shape)
        if stream is None:
            return partial(self._serialise, self._writers.structure(shape))
        name, events = stream
        content_type = self._codec.event_content_type
        encoders = event_stream.event_encoders(events, self._event_writer, content_type)
        write = self._event_writer(shape, frozenset(shape.members) - {name})
        return partial(_serialise_events, name, content_type, encoders, write)

    def _event_writer(self, shape: StructureShape, names: frozenset[str]) -> event_stream.StructureWriter:
        write = self._writers.structure(shape, names)
        encode = self._codec.encode
        return lambda members: encode(write(members))

    def _serialise(self, write: json_values.Writer, result: Result, request_id: str) -> Response:
        body = self._codec.encode(write(result.members))
        return self._answer(result.status or 200, body, request_id)

    def _answer(self, status: int, body: bytes, request_id: str) -> Response:
        headers = [
            (REQUEST_ID_HEADER, request_id),
            ("content-type", self._content_type),
            ("content-length", str(len(body))),
        ]
        if self._tells_checksum:
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return Response(status=status, headers=headers, body=body)

    def fail(self, fault: Fault, request_id: str) -> Response:
        body = {
            "__type": fault.code,
            **self._error_members(fault),
            message_member(fault.shape): fault.message,
        }
        response = self._answer(fault.status, self._codec.encode(body), request_id)
        if not self._came_from_query:
            return response
        return with_headers(response, {"x-amzn-query-error": query_error(fault)})

    def _error_members(self, fault: Fault) -> Mapping[str, Any]:
        """The members as the shape has them written: an item in an error may hold bytes."""
        members = {name: value for name, value in fault.members.items() if value is not None}
        if not members or not isinstance(fault.shape, StructureShape):
            return members
        names = frozenset(members) & frozenset(fault.shape.members)
        written: dict[str, Any] = self._writers.structure(fault.shape, names)({name: members[name] for name in names})
        return members | written


def _parse(
    decode: Callable[[bytes], dict[str, Any]], read: json_values.Reader | None, request: Request
) -> dict[str, Any]:
    if read is None:
        return {}
    try:
        document = decode(request.body)
    except ValueError as error:
        raise SerializationException(str(error)) from error
    params: dict[str, Any] = read(document)
    return params


def _serialise_events(
    name: str,
    content_type: str,
    encoders: Mapping[str, event_stream.Encoder],
    write: event_stream.StructureWriter,
    result: Result,
    request_id: str,
) -> Response:
    """The members beside the stream go first, in a message of their own."""
    initial = event_stream.encode_message(
        {":message-type": "event", ":event-type": "initial-response", ":content-type": content_type},
        write({key: value for key, value in result.members.items() if key != name}),
    )
    return Response(
        status=result.status or 200,
        headers=[(REQUEST_ID_HEADER, request_id), ("content-type", event_stream.CONTENT_TYPE)],
        body=event_stream.encode_events(result.members[name], encoders, initial),
    )
