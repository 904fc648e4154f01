"""The Runtime API over a stream socket: one frame, one message.

A frame is a header of 9 bytes, `!IIB`: length of the meta, length of the body, kind; then the meta (a JSON object,
UTF-8) and the body (bytes as the function's client sent or gets them).

Kinds from the function's process: NEXT (ready for an event), RESPONSE and ERROR (meta {"id": request id,
"type": error type}; body the JSON), INIT_ERROR (meta {"type"}). An answer in pieces is STREAM (meta {"id", "type":
content type}), CHUNK (meta {"id"}; body the bytes) as often as it takes, and STREAM_END (meta {"id"}; with an error's
"type" and JSON if it failed on the way). RESPONSE and ERROR count as NEXT too: one write ends an invocation and asks
for another. NEXT's meta is {"wakes": true} from a process that understands WAKE. IMPORT, once and before NEXT, says
that the runtime is there and the function's own init begins: for those who watch. Node adds "exiting": true to the
ERROR before a crash's exit; nobody acts on it.

Kind to the function's process: EVENT (meta {"id", "deadline_ms", "arn", "trace_id"?, "client_context"?,
"cognito_identity"?}; body the payload), WAKE (nothing: an EVENT is about to come, as a rule), and START before
everything else where there are external extensions: all of them have registered, and the runtime may begin.
"""

import json
import struct

HEADER = struct.Struct("!IIB")
NEXT, RESPONSE, ERROR, INIT_ERROR, EVENT, STREAM, CHUNK, STREAM_END, START, IMPORT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
WAKE = 11
MAX_META_BYTES = 1 << 20
WAKES: "dict[str, object]" = {"wakes": True}


def encode(kind: int, meta: "dict[str, object] | None" = None, body: bytes = b"") -> bytes:
    """One frame, ready to send."""
    head = json.dumps(meta).encode() if meta else b""
    return HEADER.pack(len(head), len(body), kind) + head + body


def error_body(error_type: str, message: str) -> bytes:
    """The JSON in which a failure is told."""
    return json.dumps({"errorMessage": message, "errorType": error_type}).encode()
