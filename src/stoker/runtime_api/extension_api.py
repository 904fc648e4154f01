"""The Extensions, Telemetry and Logs APIs in HTTP's words: requests to what `extensions` and `telemetry` decide."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from stoker.runtime_api.extensions import Event, EventAsker, Extension, Extensions
from stoker.runtime_api.routes import ACCEPTED, Operation, refusal_reply, reply
from stoker.runtime_api.session import Delivery, Refusal
from stoker.runtime_api.telemetry import CLOSED, OTHER_API, Api, Subscription, parse

# No request of an extension's is longer than some hundred bytes; JSON of this size is read in less than a millisecond.
MAX_BODY_BYTES = 32 << 10

NAME = b"lambda-extension-name"
IDENTIFIER = b"lambda-extension-identifier"
FEATURES = b"lambda-extension-accept-feature"
ERROR_TYPE = b"lambda-extension-function-error-type"
HEADERS = frozenset({NAME, IDENTIFIER, FEATURES, ERROR_TYPE})

_SUBSCRIBED = reply(200, b'"OK"')


class ExtensionListener(Protocol):
    """Who hears of extensions: their environment's process. Called from inside a socket's callback."""

    def extension_moved(self) -> None:
        """One registered, or asked for its next event."""

    def extension_failed(self, extension: Extension) -> None:
        """One says that it cannot begin or go on; its process is about to end."""

    def subscribed(self, extension: Extension, subscription: Subscription) -> None:
        """One wants telemetry, in place of what it wanted before."""


@dataclass(frozen=True, kw_only=True)
class FunctionFacts:
    """What an extension that registers is told of the function."""

    name: str = ""
    version: str = ""
    handler: str = ""
    account: str = ""


class ExtensionApi:
    """Serves the extensions of one environment."""

    def __init__(self, extensions: Extensions, listener: ExtensionListener, facts: FunctionFacts) -> None:
        self.extensions = extensions
        self._listener = listener
        self._facts = facts

    def serve(
        self, operation: Operation, headers: Mapping[bytes, bytes], body: bytes, asker: EventAsker
    ) -> bytes | None:
        """The answer to a request, or None: `asker` waits for an event."""
        if len(body) > MAX_BODY_BYTES:
            return _refused("InvalidRequestFormat", "The request body is too long")
        if operation is Operation.REGISTER:
            return self._register(headers, body)
        extension = self.extensions.find(_text(headers, IDENTIFIER))
        if isinstance(extension, Refusal):
            return refusal_reply(extension)
        if operation is Operation.EVENT_NEXT:
            return self._next(extension, asker)
        if operation is Operation.TELEMETRY:
            return self._subscribe(extension, Api.TELEMETRY, body)
        if operation is Operation.LOGS:
            return self._subscribe(extension, Api.LOGS, body)
        return self._fail(extension, "init" if operation is Operation.EXTENSION_INIT_ERROR else "exit", headers)

    def _register(self, headers: Mapping[bytes, bytes], body: bytes) -> bytes:
        events = _events(body)
        if events is None:
            return _refused("InvalidRequestFormat", "The request body has no list of events")
        extension = self.extensions.register(_text(headers, NAME), events)
        if isinstance(extension, Refusal):
            return refusal_reply(extension)
        facts = self._facts
        members = {"functionName": facts.name, "functionVersion": facts.version, "handler": facts.handler}
        if "accountId" in [feature.strip() for feature in _text(headers, FEATURES).split(",")]:
            members["accountId"] = facts.account
        answer = reply(
            200, json.dumps(members).encode(), (b"Lambda-Extension-Identifier", extension.identifier.encode())
        )
        self._listener.extension_moved()
        return answer

    def _next(self, extension: Extension, asker: EventAsker) -> bytes | None:
        event = extension.ask(asker)
        if isinstance(event, Refusal):
            return refusal_reply(event)
        if event is not None:
            return event_reply(event)
        self._listener.extension_moved()
        return None

    def _fail(self, extension: Extension, phase: str, headers: Mapping[bytes, bytes]) -> bytes:
        error_type = _text(headers, ERROR_TYPE)
        if not error_type:
            return _refused("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
        refused = self.extensions.fail(extension, phase, error_type)
        if refused is not None:
            return refusal_reply(refused)
        self._listener.extension_failed(extension)
        return ACCEPTED

    def _subscribe(self, extension: Extension, api: Api, body: bytes) -> bytes:
        if not self.extensions.initialising:
            return refusal_reply(CLOSED[api])
        found = parse(api, body)
        if isinstance(found, Refusal):
            return refusal_reply(found)
        if extension.subscribed_by not in (None, api):
            return refusal_reply(OTHER_API)
        extension.subscribed_by = api
        self._listener.subscribed(extension, found)
        return _SUBSCRIBED


def invoke_event(delivery: Delivery) -> bytes:
    """The event by which extensions are told of an invocation."""
    invocation = delivery.invocation
    members: dict[str, object] = {
        "eventType": Event.INVOKE,
        "deadlineMs": delivery.deadline_ms,
        "requestId": invocation.request_id,
        "invokedFunctionArn": invocation.invoked_arn,
    }
    if invocation.trace_id is not None:
        members["tracing"] = {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id}
    return json.dumps(members).encode()


def shutdown_event(reason: str, deadline_ms: int) -> bytes:
    """The event by which extensions are told of the end; the reason is `spindown`, `timeout` or `failure`."""
    members = {"eventType": Event.SHUTDOWN, "shutdownReason": reason, "deadlineMs": deadline_ms}
    return json.dumps(members).encode()


def event_reply(event: bytes) -> bytes:
    """The answer to a `next` that got an event."""
    return reply(200, event, (b"Lambda-Extension-Event-Identifier", str(uuid.uuid4()).encode()))


def _events(body: bytes) -> list[str] | None:
    try:
        request = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return None
    events = request.get("events", []) if isinstance(request, dict) else None
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        return None
    return events


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").strip()


def _refused(error_type: str, message: str) -> bytes:
    return refusal_reply(Refusal(status=403, error_type=error_type, message=message))
