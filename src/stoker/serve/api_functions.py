"""Functions as APIs call them: policies first, then the invoker."""

import asyncio

from stoker.apis.functions import SERVICE, FunctionAnswer, FunctionCall
from stoker.deliveries.delivery import Delivery
from stoker.identity.delivery_access import DeliveryAccess
from stoker.invocations.async_queue import AsyncQueue
from stoker.invocations.invoker import Invoker
from stoker.model.arn import parse_function_reference
from stoker.model.errors import ResourceNotFoundException
from stoker.model.invocation import InvocationResult, InvokeRequest


class ApiFunctions:
    """What `apis.functions.Functions` says."""

    def __init__(self, *, invoker: Invoker, events: AsyncQueue, access: DeliveryAccess, account: str) -> None:
        self._invoker = invoker
        self._events = events
        self._access = access
        self._account = account

    def __repr__(self) -> str:
        return f"<ApiFunctions {self._invoker!r}>"

    async def invoke(self, call: FunctionCall) -> FunctionAnswer:
        request = await self._admitted(call)
        answer: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        # The short way, where an environment is idle.
        result = await (answer if self._invoker.begin(request, answer) else self._invoker.invoke(request))
        return FunctionAnswer(payload=result.payload, failed=result.function_error is not None)

    async def invoke_later(self, call: FunctionCall) -> None:
        await self._events.accept(await self._admitted(call))

    async def _admitted(self, call: FunctionCall) -> InvokeRequest:
        reference = parse_function_reference(call.arn)
        if reference is None or reference.region is None or reference.account != self._account:
            raise ResourceNotFoundException(f"Function not found: {call.arn}")
        await self._access.check(
            Delivery(
                target=call.arn,
                body=b"",
                caller=SERVICE,
                source_arn=call.source_arn,
                region=call.region,
                account=self._account,
                role_arn=call.role_arn,
            )
        )
        return InvokeRequest(
            region=reference.region,
            function=reference.name,
            qualifier=reference.qualifier,
            payload=call.payload,
            trace_id=call.trace_id,
        )
