"""Invoke: the only operation here that must be fast."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Protocol

import msgspec

from stoker.functions.registry import Registry
from stoker.model.errors import InvalidRequestContentException, RequestEntityTooLargeException
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.model.limits import MAX_ASYNC_PAYLOAD_BYTES, MAX_INVOKE_REQUEST_BYTES
from stoker.services.lambda_.naming import locate
from stoker.services.lambda_.unbuilt import refuse_unbuilt
from stoker.wire.message import Call, Result

NO_PAYLOAD = b"{}"
"""What a function gets if the caller sends nothing."""
QUEUED: Mapping[str, object] = {"Payload": b""}
"""What who queues an event is answered."""
MAX_CLIENT_CONTEXT_BYTES = 3_583

# Walks over the JSON without making values: 4 ms for 5 MB, where json takes 70.
_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


class CanInvoke(Protocol):
    """What this needs of `invocations.Invoker`."""

    async def invoke(self, request: InvokeRequest) -> InvocationResult: ...


class AcceptsEvents(Protocol):
    """What this needs of `invocations.AsyncQueue`."""

    async def accept(self, request: InvokeRequest) -> str: ...


class InvokeOperations:
    """Synchronous and asynchronous invocations, and dry runs."""

    def __init__(self, registry: Registry, invoker: CanInvoke, events: AcceptsEvents) -> None:
        self._registry = registry
        self._invoker = invoker
        self._events = events

    async def invoke(self, call: Call) -> Result:
        params = call.params
        located = locate(call)
        if "TenantId" in params or "DurableExecutionName" in params:
            refuse_unbuilt(params)
        payload: bytes = params.get("Payload") or NO_PAYLOAD
        check_payload(payload)
        invocation_type = params.get("InvocationType")
        if invocation_type == "DryRun":
            await self._registry.resolve(call.region, located.function.name, located.qualifier)
            return Result(members={}, status=204)
        client_context = params.get("ClientContext")
        request = InvokeRequest(
            region=call.region,
            function=located.function.name,
            qualifier=located.qualifier,
            payload=payload,
            client_context=decode_client_context(client_context) if client_context else None,
            trace_id=call.trace_id,
            log_tail=params.get("LogType") == "Tail",
        )
        if invocation_type == "Event":
            return accepted(await self._accept(request), QUEUED)
        return answer(await self._invoker.invoke(request))

    async def invoke_async(self, call: Call) -> Result:
        """The older way to say `InvocationType=Event`."""
        located = locate(call)
        payload: bytes = call.params.get("InvokeArgs") or NO_PAYLOAD
        check_payload(payload)
        request = InvokeRequest(
            region=call.region,
            function=located.function.name,
            qualifier=located.qualifier,
            payload=payload,
            trace_id=call.trace_id,
        )
        return accepted(await self._accept(request), {"Status": 202})

    async def _accept(self, request: InvokeRequest) -> str:
        size = len(request.payload)
        if size > MAX_ASYNC_PAYLOAD_BYTES:
            raise RequestEntityTooLargeException(
                f"{size} byte payload is too large for the Event invocation type "
                f"(limit {MAX_ASYNC_PAYLOAD_BYTES} bytes)"
            )
        return await self._events.accept(request)


def accepted(request_id: str, members: Mapping[str, object]) -> Result:
    """An event is queued: its request id is the one under which it will run."""
    return Result(members=members, status=202, headers={"x-amzn-RequestId": request_id})


def answer(result: InvocationResult) -> Result:
    """An invocation's result in the API's words; its request id is the invocation's."""
    members: dict[str, object] = {"Payload": result.payload, "ExecutedVersion": result.executed_version}
    if result.function_error is not None:
        members["FunctionError"] = result.function_error
    if result.log_tail is not None:
        members["LogResult"] = base64.b64encode(result.log_tail).decode()
    return Result(members=members, headers={"x-amzn-RequestId": result.request_id})


def check_payload(payload: bytes) -> None:
    """An event must be JSON of at most 6 MB."""
    if len(payload) > MAX_INVOKE_REQUEST_BYTES:
        raise RequestEntityTooLargeException(
            f"Request must be smaller than {MAX_INVOKE_REQUEST_BYTES} bytes for the InvokeFunction operation"
        )
    try:
        _check_syntax(payload)
        if not payload.isascii():
            payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _check_slowly(payload)


def _check_slowly(payload: bytes) -> None:
    """The last word, and what is wrong: a lone surrogate is JSON, though the fast check refuses it."""
    try:
        json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContentException(f"Could not parse request body into json: {error}") from error


def _refuse_constant(name: str) -> object:
    """Python's json reads NaN and Infinity, which are not JSON."""
    raise ValueError(f"Unexpected token {name}")


def decode_client_context(text: str) -> str:
    """The JSON that a function's context gets; the header has it in base64."""
    if len(text) > MAX_CLIENT_CONTEXT_BYTES:
        raise InvalidRequestContentException(f"Client context must be at most {MAX_CLIENT_CONTEXT_BYTES} bytes.")
    try:
        decoded = base64.b64decode(text, validate=True).decode()
        if not isinstance(json.loads(decoded), dict):
            raise ValueError("not an object")
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidRequestContentException("Client context must be a valid Base64-encoded JSON object.") from error
    return decoded
