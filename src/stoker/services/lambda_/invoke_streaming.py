"""InvokeWithResponseStream: a function's answer as an event stream, while the function still writes it."""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from stoker.functions.registry import Registry
from stoker.invocations.streaming import StreamedInvocation
from stoker.model.invocation import InvokeRequest
from stoker.services.lambda_.invoke import NO_PAYLOAD, check_payload, decode_client_context
from stoker.services.lambda_.naming import locate
from stoker.services.lambda_.unbuilt import refuse_unbuilt
from stoker.wire.message import Call, Result

Events = AsyncIterator[Mapping[str, Mapping[str, Any]]]


class CanStream(Protocol):
    """What this needs of `invocations.Invoker`."""

    async def stream(self, request: InvokeRequest) -> StreamedInvocation: ...


class StreamingOperations:
    """Streamed invocations, and dry runs of them."""

    def __init__(self, registry: Registry, invoker: CanStream) -> None:
        self._registry = registry
        self._invoker = invoker

    async def invoke_with_response_stream(self, call: Call) -> Result:
        params = call.params
        located = locate(call)
        refuse_unbuilt(params)
        payload: bytes = params.get("Payload") or NO_PAYLOAD
        check_payload(payload)
        if params.get("InvocationType") == "DryRun":
            await self._registry.resolve(call.region, located.function.name, located.qualifier)
            return Result(members={"EventStream": _nothing()}, status=204)
        client_context = params.get("ClientContext")
        streamed = await self._invoker.stream(
            InvokeRequest(
                region=call.region,
                function=located.function.name,
                qualifier=located.qualifier,
                payload=payload,
                client_context=decode_client_context(client_context) if client_context else None,
                trace_id=call.trace_id,
                log_tail=params.get("LogType") == "Tail",
            )
        )
        members = {"ExecutedVersion": streamed.executed_version, "EventStream": _events(streamed)}
        return Result(members=members, headers={"x-amzn-RequestId": streamed.request_id})


async def _events(streamed: StreamedInvocation) -> Events:
    """The pieces, then how it ended. A client that goes away closes this, and the function runs on."""
    pieces = streamed.pieces()
    try:
        async for piece in pieces:
            yield {"PayloadChunk": {"Payload": piece}}
        result = await streamed.result()
    finally:
        streamed.abandon()
    complete: dict[str, str] = {}
    if result.function_error is not None:
        complete = {"ErrorCode": result.function_error, "ErrorDetails": result.payload.decode(errors="replace")}
    if result.log_tail is not None:
        complete["LogResult"] = base64.b64encode(result.log_tail).decode()
    yield {"InvokeComplete": complete}


async def _nothing() -> Events:
    return
    yield {}
