"""Traces requests and invocations: a span at the front door, and below it what becomes of an invocation.

    lambda.Invoke                 at the front door, until the answer is there
      queue                       an asynchronous event's wait, before each of its attempts
      NAME                        the invocation
        assignment                until there is an environment, or one begins to be made
        init                      of a cold start, with its phases: sandbox, runtime, import, restore
        handler                   what the function is given as its parent: its own spans belong below it

What belongs to which trace is said by the header alone, which goes through queues, topics and databases as well. A
header of the caller's that says `Sampled=1` or `Sampled=0` decides. Where it says neither, the first function with
active tracing does, and the request that led to it is kept too.
"""

from collections.abc import Callable
from weakref import WeakValueDictionary

from msgspec.structs import replace

from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.tracing import header
from stoker.tracing.header import Context
from stoker.tracing.sampling import Sampler
from stoker.tracing.spans import Finished, InvocationTrace, RequestTrace, new_span_id, new_trace_id


class Tracer:
    """For the event loop's thread. `finish` is given what is over, and must be quick and not raise."""

    def __init__(self, sampler: Sampler, clock: Clock, finish: Callable[[Finished], None]) -> None:
        self._sampler = sampler
        self._clock = clock
        self._finish = finish
        # Requests whose trace nobody has decided about, by their spans.
        self._undecided: WeakValueDictionary[str, RequestTrace] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"<Tracer {self._sampler}>"

    def receive(self, brought: str | None, traceparent: str | None) -> RequestTrace:
        """A request came in, with X-Ray's header and W3C's, where it has them."""
        now = self._clock.time()
        came = header.read(brought, traceparent) or Context(new_trace_id(now), None, None)
        sampled = self._sampler.decide(came.trace_id, came.sampled, begins=False)
        # Of what is not kept nobody may become the parent: the caller's stays.
        parent_id = came.parent_id if sampled is False else new_span_id()
        request = RequestTrace(brought, Context(came.trace_id, parent_id, sampled), came.parent_id, now)
        if sampled is None:
            self._undecided[request.span_id] = request
        return request

    def answered(self, request: RequestTrace, service: str, method: str, status: int) -> None:
        """A request is answered."""
        if request.sampled:
            ended = self._clock.time()
            self._finish(Finished(lambda: request.spans(service, method, status, ended)))

    def decided(self, brought: str | None, function: FunctionVersion) -> str:
        """The header of an invocation, with the decision about its trace."""
        return header.write(brought, self._decide(brought, function))

    def invocation(
        self, brought: str | None, function: FunctionVersion, queued_at: float | None
    ) -> tuple[str, InvocationTrace | None]:
        """The header that the function gets, and who is to be told of the invocation if its trace is kept."""
        context = self._decide(brought, function)
        if not context.sampled:
            # As AWS's functions are always given one.
            return header.write(brought, replace(context, parent_id=context.parent_id or new_span_id())), None
        trace = InvocationTrace(
            context,
            brought,
            function,
            now=self._clock.time(),
            monotonic=self._clock.monotonic(),
            queued_at=queued_at,
            finish=self._finish,
        )
        return trace.header, trace

    def _decide(self, brought: str | None, function: FunctionVersion) -> Context:
        context = header.read(brought) or Context(new_trace_id(self._clock.time()), None, None)
        begins = function.tracing_mode == "Active"
        sampled = self._sampler.decide(context.trace_id, context.sampled, begins=begins) or False
        if context.sampled is None:
            request = self._undecided.get(context.parent_id or "")
            if request is None:
                # A request that is over, and was not kept: this is where the trace begins.
                return replace(context, parent_id=None if sampled else context.parent_id, sampled=sampled)
            if sampled:
                request.keep()
        return replace(context, sampled=sampled)
