"""The rest-json protocol: Lambda, API Gateway, EventBridge Scheduler."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from botocore.model import OperationModel, ServiceModel, StructureShape

from stoker.model.errors import ServiceError
from stoker.wire import event_stream, json_values
from stoker.wire.errors import InvalidRequestContentException, SerializationException
from stoker.wire.message import Request, Response, Result
from stoker.wire.protocol import REQUEST_ID_HEADER, Fault, Plan, message_member
from stoker.wire.rest import Router, bind_request, bind_response, in_body

JSON = "application/json"
BodyReader = Callable[[bytes], dict[str, Any]]
BodyWriter = Callable[[Mapping[str, Any]], tuple[str, bytes | AsyncIterator[bytes]]]
"""The content type (empty for no body) and the body."""


class RestJson:
    """rest-json, for one service."""

    operation_in_body: ClassVar[bool] = False
    unstated_error_status: ClassVar[tuple[int, int] | None] = None

    def __init__(self, model: ServiceModel) -> None:
        self._router = Router(model)
        self._readers = json_values.JsonReaders()
        self._writers = json_values.JsonWriters()
        self._malformed: type[ServiceError] = (
            InvalidRequestContentException
            if InvalidRequestContentException.code in model.shape_names
            else SerializationException
        )

    def operation(self, request: Request) -> str:
        return self._router.find(request.method, request.path, request.query)

    def compile(self, model: OperationModel) -> Plan:
        http = model.http
        return Plan(
            parse=partial(_parse, bind_request(model.input_shape, http["requestUri"]).read, self._body_reader(model)),
            serialise=partial(
                _serialise,
                http.get("responseCode", 200),
                bind_response(model.output_shape).write,
                self._body_writer(model),
            ),
        )

    def _body_reader(self, model: OperationModel) -> BodyReader | None:
        shape = model.input_shape
        if shape is None:
            return None
        payload = shape.serialization.get("payload")
        if payload is None:
            names = in_body(shape)
            return partial(self._read_json, None, self._readers.structure(shape, names)) if names else None
        member = shape.members[payload]
        if isinstance(member, StructureShape):
            return partial(self._read_json, payload, self._readers.structure(member))
        return partial(_read_raw, payload, member.type_name == "string")

    def _read_json(self, payload: str | None, read: json_values.Reader, body: bytes) -> dict[str, Any]:
        if payload is not None and not body:
            return {}
        try:
            params: dict[str, Any] = read(json_values.parse_object(body))
        except (ValueError, SerializationException) as error:
            raise self._malformed(f"Could not parse request body into json: {error}") from error
        return params if payload is None else {payload: params}

    def _body_writer(self, model: OperationModel) -> BodyWriter:
        shape = model.output_shape
        if shape is None:
            return _write_nothing
        stream = event_stream.stream_member(shape)
        if stream is not None:
            name, events = stream
            return partial(_write_events, name, event_stream.event_encoders(events, self._event_writer, JSON))
        payload = shape.serialization.get("payload")
        if payload is None:
            names = in_body(shape)
            elsewhere = frozenset(shape.members) - names
            return partial(_write_json, elsewhere, self._writers.structure(shape, names)) if names else _write_nothing
        member = shape.members[payload]
        if isinstance(member, StructureShape):
            return partial(_write_payload, payload, self._writers.structure(member))
        return partial(_write_raw, payload, member.type_name == "string")

    def _event_writer(self, shape: StructureShape, names: frozenset[str]) -> event_stream.StructureWriter:
        write = self._writers.structure(shape, names)
        return lambda members: json_values.encode(write(members)).encode("ascii")

    def fail(self, fault: Fault, request_id: str) -> Response:
        headers = [
            ("content-type", JSON),
            (REQUEST_ID_HEADER, request_id),
            ("x-amzn-ErrorType", fault.code),
        ]
        body: dict[str, Any] = {}
        if isinstance(fault.shape, StructureShape):
            bind_response(fault.shape).write(fault.members, headers)
            body = _error_body(fault, fault.shape)
        else:
            body = {**fault.members, "message": fault.message}
        encoded = json_values.encode(body).encode("ascii")
        headers.append(("content-length", str(len(encoded))))
        return Response(status=fault.status, headers=headers, body=encoded)


def _error_body(fault: Fault, shape: StructureShape) -> dict[str, Any]:
    """The error shape's members as it names them; Lambda's carry a Type that says whose fault it is."""
    names = in_body(shape)
    body = {name: value for name, value in fault.members.items() if name in names and value is not None}
    if "Type" in names:
        body.setdefault("Type", "User" if fault.sender else "Service")
    body[message_member(shape)] = fault.message
    return body


def _parse(bound: Callable[[Request], dict[str, Any]], read: BodyReader | None, request: Request) -> dict[str, Any]:
    params = bound(request)
    if read is not None:
        params.update(read(request.body))
    return params


def _read_raw(name: str, text: bool, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    return {name: body.decode(errors="replace") if text else body}


def _serialise(
    status: int,
    bound: Callable[[Mapping[str, Any], list[tuple[str, str]]], int | None],
    write: BodyWriter,
    result: Result,
    request_id: str,
) -> Response:
    headers = [(REQUEST_ID_HEADER, request_id)]
    status = result.status or bound(result.members, headers) or status
    content_type, body = write(result.members)
    if status == 204:
        # RFC 9110: a 204 has neither a body nor a length.
        return Response(status=status, headers=headers)
    if content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    if isinstance(body, bytes):
        headers.append(("content-length", str(len(body))))
    return Response(status=status, headers=headers, body=body)


def _write_nothing(members: Mapping[str, Any]) -> tuple[str, bytes]:
    return "", b""


def _write_json(elsewhere: frozenset[str], write: json_values.Writer, members: Mapping[str, Any]) -> tuple[str, bytes]:
    if elsewhere:
        members = {name: value for name, value in members.items() if name not in elsewhere}
    return JSON, json_values.encode(write(members)).encode("ascii")


def _write_payload(name: str, write: json_values.Writer, members: Mapping[str, Any]) -> tuple[str, bytes]:
    value = members.get(name)
    return ("", b"") if value is None else (JSON, json_values.encode(write(value)).encode("ascii"))


def _write_raw(name: str, text: bool, members: Mapping[str, Any]) -> tuple[str, bytes | AsyncIterator[bytes]]:
    value = members.get(name)
    if value is None:
        return "", b""
    if isinstance(value, str):
        value = value.encode()
    return "text/plain" if text else "application/octet-stream", value


def _write_events(
    name: str, encoders: Mapping[str, event_stream.Encoder], members: Mapping[str, Any]
) -> tuple[str, AsyncIterator[bytes]]:
    return event_stream.CONTENT_TYPE, event_stream.encode_events(members[name], encoders)
