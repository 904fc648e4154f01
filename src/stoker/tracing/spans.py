"""What was traced: spans, and those who gather them while something runs. Times are seconds since the epoch."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from stoker.model.function import FunctionVersion
from stoker.model.invocation import Report
from stoker.tracing import header
from stoker.tracing.header import Context

Value = str | int | float | bool


class Span(Struct, frozen=True, kw_only=True):
    """One span. `kind` is OTLP's name for it without its prefix; `error` what went wrong, if something did."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    began: float
    ended: float
    kind: str = "INTERNAL"
    attributes: Mapping[str, Value] = {}
    error: str | None = None


class Finished(Struct, frozen=True):
    """Something traced that is over. Its spans are made by whoever exports them, not where it ran."""

    spans: Callable[[], Sequence[Span]]


def new_span_id() -> str:
    """Not 0, which means none. Ids need not be unguessable, only unlike all others."""
    return f"{random.getrandbits(64) or 1:016x}"


def new_trace_id(now: float) -> str:
    """As X-Ray wants it: its first 8 digits are the time."""
    return f"{int(now):08x}{random.getrandbits(96):024x}"


class RequestTrace:
    """One request at the front door. Nothing comes of it while its trace is not `sampled`."""

    # Looked up weakly by its id as long as it is undecided.
    __slots__ = ("__weakref__", "_began", "_brought", "context", "operation", "parent_id", "span_id")

    def __init__(self, brought: str | None, context: Context, parent_id: str | None, now: float) -> None:
        """`context` is what the request gives to those after it, `brought` the header that came."""
        self._brought = brought
        self._began = now
        self.context = context
        self.parent_id = parent_id
        self.span_id = context.parent_id or ""
        self.operation: str | None = None

    @property
    def header(self) -> str:
        """The header for those after it."""
        return header.write(self._brought, self.context)

    @property
    def sampled(self) -> bool:
        return self.context.sampled is True

    def keep(self) -> None:
        """Its trace is sampled, as was found out on its way."""
        self.context = replace(self.context, sampled=True)

    def spans(self, service: str, method: str, status: int, ended: float) -> Sequence[Span]:
        """Its span, answered with an HTTP status."""
        attributes: dict[str, Value] = {"http.request.method": method, "http.response.status_code": status}
        if self.operation is not None:
            attributes |= {"rpc.system": "aws-api", "rpc.service": service, "rpc.method": self.operation}
        return [
            Span(
                trace_id=self.context.trace_id,
                span_id=self.span_id,
                parent_id=self.parent_id,
                name=f"{service}.{self.operation}" if self.operation is not None else f"{method} {service}",
                began=self._began,
                ended=ended,
                kind="SERVER",
                attributes=attributes,
                error=f"HTTP {status}" if status >= 500 else None,
            )
        ]


class _Start(Struct, frozen=True):
    began: float
    phases: Sequence[tuple[str, float]]
    failed: bool


class InvocationTrace:
    """One sampled invocation; see `model.invocation.Traced`. `header` is what its function gets."""

    __slots__ = (
        "_began",
        "_context",
        "_epoch",
        "_finish",
        "_function",
        "_handler_id",
        "_queued_at",
        "_starts",
        "header",
    )

    def __init__(
        self,
        context: Context,
        brought: str | None,
        function: FunctionVersion,
        *,
        now: float,
        monotonic: float,
        queued_at: float | None,
        finish: Callable[[Finished], None],
    ) -> None:
        """`context` is the caller's; what the function does belongs below the handler's span."""
        self._context = context
        self._function = function
        self._handler_id = new_span_id()
        self._began = now
        self._epoch = now - monotonic
        self._queued_at = queued_at
        self._finish = finish
        self._starts: list[_Start] = []
        self.header = header.write(brought, replace(context, parent_id=self._handler_id))

    def started(self, began: float, phases_ms: Iterable[tuple[str, float]], *, failed: bool) -> None:
        self._starts.append(_Start(began, [(name, ms / 1000.0) for name, ms in phases_ms], failed))

    def ended(self, started: float, ended: float, report: Report) -> None:
        handled, over = self._epoch + started, self._epoch + ended
        self._finish(Finished(lambda: self._spans(handled, over, report)))

    def _spans(self, handled: float, ended: float, report: Report) -> Sequence[Span]:
        function, invocation_id = self._function, new_span_id()
        failure = None if report.status == "success" else (report.error_type or report.status)
        error: dict[str, Value] = {} if failure is None else {"error.type": failure}
        made = []
        if self._queued_at is not None:
            made.append(self._span("queue", self._context.parent_id, self._queued_at, self._began))
        invocation = self._span(
            function.name,
            self._context.parent_id,
            self._began,
            ended,
            span_id=invocation_id,
            kind="INTERNAL" if self._queued_at is None else "CONSUMER",
            attributes={
                "faas.name": function.name,
                "faas.version": function.version,
                "faas.invocation_id": report.request_id,
                "faas.coldstart": bool(self._starts),
                "faas.max_memory": function.memory_mb << 20,
                "cloud.region": function.region,
                "cloud.account.id": function.account,
                "cloud.resource_id": f"{function.unqualified_arn}:{function.version}",
                **error,
            },
            error=failure,
        )
        assigned = min([handled, *(start.began for start in self._starts)])
        made += [invocation, self._span("assignment", invocation_id, self._began, assigned)]
        for start in self._starts:
            made += self._init(start, invocation_id)
        handler = {"stoker.billed_ms": report.billed_ms, "stoker.max_memory_mb": report.max_memory_mb, **error}
        made.append(
            self._span(
                "handler", invocation_id, handled, ended, span_id=self._handler_id, attributes=handler, error=failure
            )
        )
        return made

    def _init(self, start: _Start, invocation_id: str) -> Sequence[Span]:
        init_id, at, phases = new_span_id(), start.began, []
        for name, seconds in start.phases:
            phases.append(self._span(name, init_id, at, at + seconds))
            at += seconds
        failure = "init failed" if start.failed else None
        return [self._span("init", invocation_id, start.began, at, span_id=init_id, error=failure), *phases]

    def _span(
        self,
        name: str,
        parent_id: str | None,
        began: float,
        ended: float,
        *,
        span_id: str | None = None,
        kind: str = "INTERNAL",
        attributes: Mapping[str, Value] | None = None,
        error: str | None = None,
    ) -> Span:
        return Span(
            trace_id=self._context.trace_id,
            span_id=span_id or new_span_id(),
            parent_id=parent_id,
            name=name,
            began=began,
            ended=max(began, ended),
            kind=kind,
            attributes=attributes or {},
            error=error,
        )
