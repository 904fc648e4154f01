"""How an invocation ends: by the function's answer, or without one. What caller and log are told, in AWS's words. Pure.

Texts: LAMBDA.md, Invoke.
"""

import json
from datetime import UTC, datetime

from msgspec import Struct

from stoker.environments import exit_reason
from stoker.environments.failures import ExtensionEnd, InitFailure
from stoker.runtime_api.session import Answer
from stoker.sandbox.driver import ExitStatus


class Outcome(Struct, frozen=True, kw_only=True):
    """The end of an invocation, or of an init.

    `payload` is what the caller gets; `status` (`success`, `error`, `timeout`) and `error_type` what REPORT says;
    `lines` what the log says besides. A `fatal` one ends its environment.
    """

    payload: bytes
    status: str = "success"
    error_type: str | None = None
    lines: tuple[str, ...] = ()
    fatal: bool = False


def answered(answer: Answer) -> Outcome:
    """The function's own answer. An exception of a handler is one too: its environment stays warm, as at AWS."""
    if answer.error_type is None:
        return Outcome(payload=answer.payload)
    return Outcome(payload=answer.payload, status="error", error_type=answer.error_type)


def timed_out(request_id: str, timeout_s: float, now: float) -> Outcome:
    """The function's timeout is over; `now` in seconds since the epoch."""
    text = f"Task timed out after {timeout_s:.2f} seconds"
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Outcome(
        payload=_payload("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"),
        status="timeout",
        lines=(f"{moment} {request_id} {text}",),
        fatal=True,
    )


def exited(request_id: str, exit_status: ExitStatus) -> Outcome:
    """The process ended, or closed its channel, before it answered.

    AWS has been seen to answer for a lack of memory with both `Runtime.ExitError` and `Runtime.OutOfMemory`. Here the
    caller gets the former with `signal: killed`, which client code knows, and REPORT names the latter, for operators.
    """
    text = f"RequestId: {request_id} Error: {exit_reason.of_runtime(exit_status)}"
    return Outcome(
        payload=_payload("Runtime.ExitError", text),
        status="error",
        error_type="Runtime.OutOfMemory" if exit_status.out_of_memory else "Runtime.ExitError",
        lines=(f"{text}\nRuntime.ExitError",),
        fatal=True,
    )


def extension_ended(request_id: str, end: ExtensionEnd) -> Outcome:
    """An extension could not begin or go on; it takes the environment with it."""
    text = f"RequestId: {request_id} Error: {end.reason}"
    return Outcome(
        payload=_payload(end.error_type, text),
        status="error",
        error_type=end.error_type,
        lines=(f"{text}\n{end.error_type}",),
        fatal=True,
    )


def of_init(failure: InitFailure | None, request_id: str, timeout_s: float, now: float) -> Outcome:
    """How an init ended, in the words of the invocation that waits for it; `now` in seconds since the epoch."""
    if failure is None:
        return Outcome(payload=b"")
    if isinstance(failure, Answer):
        return _init_refused(failure)
    if isinstance(failure, ExitStatus):
        return exited(request_id, failure)
    if isinstance(failure, ExtensionEnd):
        return extension_ended(request_id, failure)
    return timed_out(request_id, timeout_s, now)


def _init_refused(answer: Answer) -> Outcome:
    """The runtime said why it cannot start; the caller gets its words, and the runtime has logged them."""
    payload = answer.payload or _payload(answer.error_type or "", "")
    return Outcome(payload=payload, status="error", error_type=answer.error_type, fatal=True)


def _payload(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()
