"""An asynchronous queue on a real store, with an invoker that a test writes and a clock that it moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from fakes.clock import FakeClock
from fakes.registry import a_function
from stoker.deliveries.pacing import Pacing
from stoker.environments.job import Reply
from stoker.functions.event_invoke_config import EventInvokeConfig
from stoker.invocations.async_event import AsyncEvent
from stoker.invocations.async_queue import AsyncQueue
from stoker.invocations.retries import RetryPolicy
from stoker.model.invocation import InvocationResult, InvokeRequest, Target
from stoker.store.store import Store, open_store
from stoker.store.tables_async import async_events, event_invoke_configs

ACCOUNT = "000000000000"
Answer = InvocationResult | Exception


def ran(request: InvokeRequest, payload: bytes = b'"done"', error: str | None = None) -> InvocationResult:
    """The result of a run that answered so."""
    assert request.request_id is not None
    return InvocationResult(
        request_id=request.request_id, payload=payload, executed_version="$LATEST", function_error=error
    )


def failed(request: InvokeRequest) -> InvocationResult:
    return ran(request, b'{"errorMessage":"no"}', "Unhandled")


class ScriptedInvoker:
    """Asks `script` for the answer to each request; one that it holds back waits for `go`.

    While `warm` there is an idle environment for each request, so that it can begin at once.
    """

    warm = False

    def __init__(self) -> None:
        self.requests: list[InvokeRequest] = []
        self.begun: list[asyncio.Future[None]] = []
        self.script: Callable[[InvokeRequest], Answer] = ran
        self.refuses: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()

    def known(self, request: InvokeRequest) -> Target | None:
        return None if self.refuses is not None else Target(function=a_function(), invoked_arn="arn")

    async def check(self, request: InvokeRequest) -> Target:
        if self.refuses is not None:
            raise self.refuses
        return Target(function=a_function(), invoked_arn="arn")

    def begin(self, request: InvokeRequest, reply: Reply) -> bool:
        if self.warm and self.refuses is None:
            self.begun.append(asyncio.ensure_future(self._run(request, reply)))
        return self.warm and self.refuses is None

    async def _run(self, request: InvokeRequest, reply: Reply) -> None:
        try:
            reply.set_result(await self.invoke(request))
        except Exception as error:
            reply.set_exception(error)

    async def invoke(self, request: InvokeRequest) -> InvocationResult:
        self.requests.append(request)
        await self.go.wait()
        answer = self.script(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def payloads(self) -> list[bytes]:
        return [request.payload for request in self.requests]


class QueueBench:
    """One queue after another on the same store: `crash` leaves everything as it is."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.clock = FakeClock()
        self.settings = settings
        self.stopped: set[str] = set()
        self.new()

    def new(self, owner: str = "here") -> None:
        self.invoker = ScriptedInvoker()
        self.queue = AsyncQueue(
            **{
                "account": ACCOUNT,
                "store": self.store,
                "invoker": self.invoker,
                "clock": self.clock,
                "owner": owner,
                "pacing": Pacing(most=100, young=100),
                "policy": RetryPolicy(),
                "is_stopped": lambda region, function: function in self.stopped,
                **self.settings,
            }
        )

    async def accept(self, payload: bytes = b"1", function: str = "hello", **members: Any) -> str:
        request = InvokeRequest(
            region="us-east-1", function=function, payload=payload, **{"qualifier": None, **members}
        )
        return await self.queue.accept(request)

    async def configure(self, function: str = "hello", **members: Any) -> None:
        config = EventInvokeConfig(**members)
        values = {name: getattr(config, name) for name in EventInvokeConfig.__slots__}
        insert = sa.insert(event_invoke_configs).values(region="us-east-1", function=function, **values)
        await self.store.write(lambda conn: conn.execute(insert).close())

    async def events(self) -> list[sa.Row[Any]]:
        """The events that are not settled, by request id."""
        query = sa.select(async_events).order_by(async_events.c.request_id)
        return await self.store.read(lambda conn: list(conn.execute(query)))

    async def settled(self) -> None:
        """Wait until there is nothing left to run."""
        while await self.events():  # noqa: ASYNC110 - the database does not signal
            await asyncio.sleep(0.001)

    async def waiting(self, **members: Any) -> sa.Row[Any]:
        """Wait until there is one event, which nobody holds and which is so; the event."""
        while True:
            events = await self.events()
            # The database knows it a moment before the queue does.
            if len(events) == 1 and events[0].owner is None and not self.queue._work._held:
                (event,) = events
                if all(getattr(event, name) == value for name, value in members.items()):
                    return event
            await asyncio.sleep(0.001)

    async def crash(self) -> None:
        """Kill -9: nothing of the queue goes on, and nothing is told to the database."""
        self.queue._work._open = False
        for task in [*self.queue._work._tasks, *self.invoker.begun]:
            task.cancel()
        await asyncio.sleep(0)


@asynccontextmanager
async def queue_bench(url: str, **settings: Any) -> AsyncIterator[QueueBench]:
    """A bench whose queue has started."""
    store = open_store(url)
    bench = QueueBench(store, **settings)
    try:
        await bench.queue.start()
        yield bench
        await bench.queue.close(limit_s=1.0)
    finally:
        await store.close()


def an_event(**members: Any) -> AsyncEvent:
    """An event accepted at 1,000 s."""
    defaults = {
        "request_id": "r-1",
        "region": "us-east-1",
        "function": "hello",
        "qualifier": None,
        "payload": b'{"a":1}',
        "client_context": None,
        "trace_id": "Root=1",
        "accepted_at": 1000.0,
        "due_at": 1000.0,
    }
    return AsyncEvent(**{**defaults, **members})  # type: ignore[arg-type]
