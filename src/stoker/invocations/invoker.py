"""Every invocation, whoever asks for it, goes through here: resolve, admit, run, record.

Whether a caller may invoke is known by then: the front door has asked for callers, `deliveries` for services.
"""

from collections.abc import Callable

from stoker.environments.fleet import Fleet
from stoker.environments.job import Reply
from stoker.functions.registry import Registry
from stoker.invocations import trace
from stoker.invocations.request_id import RequestIds
from stoker.invocations.streaming import StreamedInvocation
from stoker.invocations.trace import Step
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock
from stoker.model.errors import RecursiveInvocationException, RequestTooLargeException
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation, InvocationResult, InvokeRequest, Target, Traced
from stoker.model.limits import MAX_INVOKE_REQUEST_BYTES
from stoker.runtime_api.response_stream import ResponseStream
from stoker.tracing.tracer import Tracer


class Invoker:
    """Turns requests into results. Nothing in its signatures is bound to this machine."""

    def __init__(self, *, registry: Registry, fleet: Fleet, clock: Clock, tracer: Tracer | None = None) -> None:
        self._registry = registry
        self._fleet = fleet
        self._clock = clock
        self._tracer = tracer
        self._request_ids = RequestIds()
        # Each is told the region and function of a loop that was stopped; quick, and raises nothing.
        self.loop_listeners: list[Callable[[str, str], None]] = []

    def __repr__(self) -> str:
        return f"<Invoker {self._fleet!r}>"

    def begin(self, request: InvokeRequest, reply: Reply) -> bool:
        """Run a function that is known and has an idle environment: it has the event when this returns.

        `reply` is told what became of it, as `invoke` returns it. False: something is not so, or traces are kept, and
        nothing has happened.
        """
        target = self.known(request)
        if target is None or self._tracer is not None:
            return False
        self._fleet.wake(target.function)
        step, traced = self._trace(request, target.function)
        if step.loops >= trace.MAX_LOOPS:
            return False
        invocation = self._invocation(request, target, step.header, traced=traced)
        return self._fleet.run_idle(target.function, invocation, reply)

    def known(self, request: InvokeRequest) -> Target | None:
        """What would run, where that is known at once; None: `check` has to tell."""
        target = self._registry.known(request.region, request.function, request.qualifier)
        if target is None or len(request.payload) > MAX_INVOKE_REQUEST_BYTES:
            return None
        return target

    async def check(self, request: InvokeRequest) -> Target:
        """What would run, if it may: a dry run. Raises AWS's error for what is not there, not ready or not allowed."""
        target = await self._registry.resolve(request.region, request.function, request.qualifier)
        if len(request.payload) > MAX_INVOKE_REQUEST_BYTES:
            raise RequestTooLargeException(
                f"Request must be smaller than {MAX_INVOKE_REQUEST_BYTES} bytes for the InvokeFunction operation"
            )
        return target

    async def invoke(self, request: InvokeRequest) -> InvocationResult:
        """Run a function and wait for its result, which is logged, metered and billed when this returns.

        A function that fails gives a result with a `function_error`. Raises what `check` does, and
        TooManyRequestsException where there is no room, and RecursiveInvocationException where the function has come to
        call itself. Once begun, an invocation goes on if its caller is cancelled.
        """
        target = await self.check(request)
        invocation = await self._let_in(request, target)
        return await self._fleet.run(target.function, invocation, log_tail=request.log_tail)

    async def stream(self, request: InvokeRequest) -> StreamedInvocation:
        """Run a function and hand on its answer as it comes; returns once it has begun to answer, or has ended.

        Raises what `invoke` does.
        """
        target = await self.check(request)
        stream = ResponseStream()
        invocation = await self._let_in(request, target, stream)
        answer = self._fleet.run(target.function, invocation, log_tail=request.log_tail)
        streamed = StreamedInvocation(stream, answer, invocation.request_id, target.function.version)
        await streamed.start()
        return streamed

    async def _let_in(self, request: InvokeRequest, target: Target, stream: ResponseStream | None = None) -> Invocation:
        """What the function gets, unless its chain is a loop that is to be stopped."""
        function = target.function
        step, traced = self._trace(request, function)
        if step.loops >= trace.MAX_LOOPS:
            identity = FunctionId(account=function.account, region=function.region, name=function.name)
            if not await self._registry.recursion.allowed(identity):
                for listener in self.loop_listeners:
                    listener(function.region, function.name)
                raise RecursiveInvocationException
        return self._invocation(request, target, step.header, stream, traced)

    def _trace(self, request: InvokeRequest, function: FunctionVersion) -> tuple[Step, Traced | None]:
        """The trace header has this run in its chain."""
        traced = None
        if self._tracer is None:
            header = trace.begin(request.trace_id, self._clock.time())
        else:
            header, traced = self._tracer.invocation(request.trace_id, function, request.queued_at)
        return trace.step(header, function.unqualified_arn), traced

    def _invocation(
        self,
        request: InvokeRequest,
        target: Target,
        trace_id: str,
        stream: ResponseStream | None = None,
        traced: Traced | None = None,
    ) -> Invocation:
        return Invocation(
            request_id=request.request_id or self._request_ids.new(),
            payload=request.payload,
            invoked_arn=target.invoked_arn,
            client_context=request.client_context,
            trace_id=trace_id,
            stream=stream,
            trace=traced,
            qualifier=request.qualifier or "",
        )
