"""The invocation that an environment has, and what is measured of it."""

from typing import Protocol

from msgspec import Struct

from stoker.environments.outcome import Outcome
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation, InvocationResult, Report
from stoker.observability.metering import billed_ms

_MB = 1 << 20


class Reply(Protocol):
    """Whoever waits for a result: a future, or what does not wait for the loop's next turn to be told."""

    def done(self) -> bool:
        """Whether it wants nothing more."""

    def set_result(self, result: InvocationResult, /) -> object: ...

    def set_exception(self, error: Exception, /) -> object: ...


class Job(Struct, kw_only=True):
    """One invocation and its measurements, in monotonic seconds.

    `started` is the moment from which Duration and the function's timeout count: the delivery or, where the init had
    to be run again, the beginning of that. `init_ms` is set for a cold start, `restore_ms` for SnapStart's. `answered`
    is when the runtime was done, where extensions were not.
    """

    function: FunctionVersion
    invocation: Invocation
    log_tail: bool
    reply: Reply
    started: float | None = None
    answered: float | None = None
    ended: float | None = None
    init_ms: float | None = None
    restore_ms: float | None = None

    @property
    def request_id(self) -> str:
        return self.invocation.request_id

    def report(self, end: Outcome, max_memory_bytes: int) -> Report:
        """What it used; before its end, up to the runtime's answer."""
        until = self.answered if self.ended is None else self.ended
        assert self.started is not None
        assert until is not None
        duration_ms = (until - self.started) * 1000.0
        if end.status == "timeout":
            # The rest is how late our timer was; nobody is billed for that.
            duration_ms = min(duration_ms, self.function.timeout_s * 1000.0)
        return Report(
            request_id=self.invocation.request_id,
            duration_ms=duration_ms,
            billed_ms=billed_ms(duration_ms, self.init_ms) + (billed_ms(self.restore_ms) if self.restore_ms else 0),
            memory_mb=self.function.memory_mb,
            max_memory_mb=-(-max_memory_bytes // _MB),
            init_ms=self.init_ms,
            restore_ms=self.restore_ms,
            status=end.status,
            error_type=end.error_type,
            trace_id=self.invocation.trace_id,
            extensions_ms=None if self.answered is None else (until - self.answered) * 1000.0,
            streamed_bytes=0 if self.invocation.stream is None else self.invocation.stream.streamed_bytes,
        )

    def initialised(self, duration_ms: float, *, restored: bool) -> None:
        """The init that it waited for is over, in which its own time had not begun."""
        if self.started is None:
            if restored:
                self.restore_ms = duration_ms
            else:
                self.init_ms = duration_ms

    def give(self, end: Outcome, log_tail: bytes | None) -> None:
        """Hand the result to the caller, if there still is one."""
        if not self.reply.done():
            result = InvocationResult(
                request_id=self.invocation.request_id,
                payload=end.payload,
                executed_version=self.function.version,
                function_error=None if end.status == "success" else "Unhandled",
                log_tail=log_tail,
            )
            self.reply.set_result(result)

    def give_up(self, error: Exception) -> None:
        """Hand over a fault that is not the function's."""
        if not self.reply.done():
            self.reply.set_exception(error)
