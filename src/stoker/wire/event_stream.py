"""`application/vnd.amazon.eventstream`: messages with headers and checksums, one after the other in one answer.

Sources: the event stream section of Amazon Transcribe's developer guide and botocore's reader of the format.
"""

import logging
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from botocore.model import Shape, StructureShape

from stoker.model.errors import ServiceError

CONTENT_TYPE = "application/vnd.amazon.eventstream"
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
_PRELUDE = struct.Struct("!II")
_CRC = struct.Struct("!I")
_INTEGER, _LONG, _BYTES, _STRING, _TIMESTAMP, _UUID = 4, 5, 6, 7, 8, 9

log = logging.getLogger(__name__)

HeaderValue = str | bytes | bool | int | datetime | UUID
Events = AsyncIterator[Mapping[str, Mapping[str, Any]]]


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One message: prelude (lengths and their CRC), headers, payload, CRC of all that."""
    head = b"".join(_encode_header(name, value) for name, value in headers.items())
    prelude = _PRELUDE.pack(16 + len(head) + len(payload), len(head))
    message = b"".join((prelude, _CRC.pack(zlib.crc32(prelude)), head, payload))
    return message + _CRC.pack(zlib.crc32(message))


def _encode_header(name: str, value: HeaderValue) -> bytes:
    encoded = name.encode()
    return bytes((len(encoded),)) + encoded + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    if isinstance(value, bool):
        return b"\0" if value else b"\1"
    if isinstance(value, int):
        small = -(1 << 31) <= value < 1 << 31
        return struct.pack("!Bi" if small else "!Bq", _INTEGER if small else _LONG, value)
    if isinstance(value, UUID):
        return bytes((_UUID,)) + value.bytes
    if isinstance(value, datetime):
        return struct.pack("!Bq", _TIMESTAMP, int(value.timestamp() * 1000))
    kind, raw = (_STRING, value.encode()) if isinstance(value, str) else (_BYTES, value)
    return struct.pack("!BH", kind, len(raw)) + raw


Encoder = Callable[[Mapping[str, Any]], bytes]
StructureWriter = Callable[[Mapping[str, Any]], bytes]
"""Writes a structure's members as a payload of the protocol."""
WriterOf = Callable[[StructureShape, frozenset[str]], StructureWriter]
"""The protocol's writer of some members of a structure."""


def stream_member(shape: StructureShape) -> tuple[str, StructureShape] | None:
    """The member of an output that is an event stream, if it has one."""
    for name, member in shape.members.items():
        if isinstance(member, StructureShape) and member.serialization.get("eventstream"):
            return name, member
    return None


def event_encoders(shape: StructureShape, writer: WriterOf, content_type: str) -> dict[str, Encoder]:
    """For each event of an event stream shape, how its members become one message."""
    events = {name: event for name, event in shape.members.items() if isinstance(event, StructureShape)}
    return {name: _event_encoder(name, event, writer, content_type) for name, event in events.items()}


def _event_encoder(name: str, event: StructureShape, writer: WriterOf, content_type: str) -> Encoder:
    kind = "exception" if event.metadata.get("exception") else "event"
    fixed: dict[str, HeaderValue] = {":message-type": kind, f":{kind}-type": name}
    in_headers = frozenset(member for member, shape in event.members.items() if shape.serialization.get("eventheader"))
    payload = next((member for member, shape in event.members.items() if shape.serialization.get("eventpayload")), None)
    if payload is None:
        write = writer(event, frozenset(event.members) - in_headers)
        body: StructureWriter = lambda members: write({k: v for k, v in members.items() if k not in in_headers})  # noqa: E731
    else:
        content_type, body = _payload_writer(payload, event.members[payload], writer, content_type)
    fixed[":content-type"] = content_type

    def encode(members: Mapping[str, Any]) -> bytes:
        in_this = {key: members[key] for key in in_headers if members.get(key) is not None}
        return encode_message({**fixed, **in_this}, body(members))

    return encode


def _payload_writer(name: str, shape: Shape, writer: WriterOf, content_type: str) -> tuple[str, StructureWriter]:
    """For a member that is the whole payload: its content type, and how it is written."""
    if isinstance(shape, StructureShape):
        write = writer(shape, frozenset(shape.members))
        return content_type, lambda members: write(members.get(name) or {})
    if shape.type_name == "string":
        return "text/plain", lambda members: (members.get(name) or "").encode()
    return "application/octet-stream", lambda members: members.get(name) or b""


async def encode_events(
    events: Events, encoders: Mapping[str, Encoder], initial: bytes | None = None
) -> AsyncIterator[bytes]:
    """The events as messages, after the message of the initial response, if the protocol has one.

    A ServiceError raised by `events` becomes an exception message, anything else an error message without its inside:
    the HTTP status is long gone, so this is where such a stream's boundary is.
    """
    if initial is not None:
        yield initial
    try:
        async for event in events:
            for name, members in event.items():
                yield encoders[name](members)
    except ServiceError as error:
        yield _exception_message(error, encoders)
    except Exception:
        # The one boundary of a stream: the front door can't answer 500 any more.
        log.exception("an event stream broke")
        yield encode_message(
            {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Internal failure"}
        )
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


def _exception_message(error: ServiceError, encoders: Mapping[str, Encoder]) -> bytes:
    encoder = encoders.get(error.code)
    if encoder is not None:
        return encoder({"message": error.message, **error.members})
    return encode_message({":message-type": "error", ":error-code": error.code, ":error-message": error.message})
