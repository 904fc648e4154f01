"""Every invocation, whoever asks for it, goes through here: resolve, authorise, admit, run, record."""

from collections.abc import Callable

from stoker.environments.fleet import Fleet
from stoker.functions.registry import Registry
from stoker.invocations.request_id import RequestIds
from stoker.model.errors import RequestTooLargeException
from stoker.model.invocation import Invocation, InvocationResult, InvokeRequest, Target
from stoker.model.limits import MAX_INVOKE_REQUEST_BYTES

# Raises AccessDeniedException for a request that its caller may not make.
Authorise = Callable[[InvokeRequest, Target], None]


class Invoker:
    """Turns requests into results. Nothing in its signatures is bound to this machine."""

    def __init__(self, *, registry: Registry, fleet: Fleet, authorise: Authorise) -> None:
        self._registry = registry
        self._fleet = fleet
        self._authorise = authorise
        self._request_ids = RequestIds()

    def __repr__(self) -> str:
        return f"<Invoker {self._fleet!r}>"

    async def check(self, request: InvokeRequest) -> Target:
        """What would run, if it may: a dry run. Raises AWS's error for what is not there, not ready or not allowed."""
        target = await self._registry.resolve(request.region, request.function, request.qualifier)
        self._authorise(request, target)
        if len(request.payload) > MAX_INVOKE_REQUEST_BYTES:
            raise RequestTooLargeException(
                f"Request must be smaller than {MAX_INVOKE_REQUEST_BYTES} bytes for the InvokeFunction operation"
            )
        return target

    async def invoke(self, request: InvokeRequest) -> InvocationResult:
        """Run a function and wait for its result, which is logged, metered and billed when this returns.

        A function that fails gives a result with a `function_error`. Raises what `check` does, and
        TooManyRequestsException where there is no room. Once begun, an invocation goes on if its caller is cancelled.
        """
        target = await self.check(request)
        invocation = Invocation(
            request_id=self._request_ids.new(),
            payload=request.payload,
            invoked_arn=target.invoked_arn,
            client_context=request.client_context,
            trace_id=request.trace_id,
        )
        return await self._fleet.run(target.function, invocation, log_tail=request.log_tail)
