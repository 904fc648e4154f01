"""The Lambda API without HTTP, signatures and sandboxes: real rules on a real store, and an invoker that echoes."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import botocore.session
from botocore.model import ServiceModel

from fakes.clock import FakeClock
from fakes.zips import zip_of
from stoker.environments.allocation import ProvisionedState
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.mappings import EventSourceMappings
from stoker.event_sources.source import Surroundings
from stoker.event_sources.sources import Sources
from stoker.event_sources.work import Loop, Work
from stoker.functions.code_links import CodeLinks
from stoker.functions.code_objects import CodeObjects
from stoker.functions.code_storage import CodeStorage, Prepared
from stoker.functions.concurrency import ProvisionedConfig
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.functions.url_addresses import UrlAddresses
from stoker.identity.sealing import Seal
from stoker.invocations.attempts import may_everything
from stoker.model.arn import FunctionId
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.model.principal import Principal
from stoker.model.runtime import Runtime
from stoker.services.lambda_.service import LambdaService
from stoker.store.blobs import BlobStore
from stoker.store.store import open_store
from stoker.wire.message import Call, Result

T = TypeVar("T")

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
ENDPOINT = "http://127.0.0.1:4566"
RUNTIMES = [
    Runtime(name="python3.11", kind="python", executable=Path("/usr/bin/python3.11"), full_version="3.11.7"),
    Runtime(name="python3.12", kind="python", executable=Path("/usr/bin/python3.12"), full_version="3.12.1"),
    Runtime(name="provided.al2023", kind="provided", executable=None),
]


@functools.cache
def lambda_model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("lambda")


class EchoInvoker:
    """Answers every invocation with its payload; keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[InvokeRequest] = []
        self.result: dict[str, Any] = {}

    async def invoke(self, request: InvokeRequest) -> InvocationResult:
        self.requests.append(request)
        values = {"request_id": "r-1", "payload": request.payload, "executed_version": "$LATEST"} | self.result
        return InvocationResult(**values)


class EventInbox:
    """Accepts every event; keeps what it was given."""

    def __init__(self) -> None:
        self.requests: list[InvokeRequest] = []

    async def accept(self, request: InvokeRequest) -> str:
        self.requests.append(request)
        return f"e-{len(self.requests)}"


class NothingProvisioned:
    """Knows of no environment."""

    def state(self, function: FunctionId, config: ProvisionedConfig) -> ProvisionedState:
        return ProvisionedState(available=0, status="IN_PROGRESS")


class PausedStorage(CodeStorage):
    """Real code storage whose preparations wait while it is paused."""

    def __init__(self, data: Path, blobs: BlobStore) -> None:
        super().__init__(data, blobs)
        self.going = asyncio.Event()
        self.going.set()

    async def prepare(self, code: str, layers: Sequence[str]) -> Prepared:
        await self.going.wait()
        return await super().prepare(code, layers)


class ControlPlane:
    """Calls operations as a client would; `restart` opens the same data again."""

    def __init__(self, root: Path, store_url: str = "") -> None:
        self.root = root
        self.store_url = store_url or f"sqlite:///{root / 'stoker.db'}"
        self.clock = FakeClock()
        self.chance = 0.0
        self.invoker = EchoInvoker()
        self.events = EventInbox()
        self.changes: list[tuple[str, str]] = []
        self._runner = asyncio.Runner()
        self._model = lambda_model()
        self.open()

    def open(self, start: bool = True) -> None:
        self.blobs = BlobStore(self.root / "blobs")
        self.store = open_store(self.store_url)
        self.code = PausedStorage(self.root, self.blobs)
        runtimes = RuntimeCatalogue(RUNTIMES)
        self.registry = Registry(
            account=ACCOUNT,
            store=self.store,
            code=self.code,
            runtimes=runtimes,
            clock=self.clock,
            random=lambda: self.chance,
            architecture="x86_64",
        )
        self.registry.on_change(lambda region, name: self.changes.append((region, name)))
        self.provisioning = NothingProvisioned()
        self.links = CodeLinks(endpoint=ENDPOINT, secret=b"secret", clock=self.clock)
        self.service = LambdaService(
            registry=self.registry,
            invoker=self.invoker,
            events=self.events,
            runtimes=runtimes,
            code_location=self.links.sign,
            code_objects=CodeObjects(),
            check_role=lambda role, function: None,
            role_may=may_everything,
            url_address=UrlAddresses(endpoint=ENDPOINT, resolves=self._resolves).of,
            provisioning=self.provisioning,
            mappings=self._no_mappings(),
        )
        if start:
            self.run(self.registry.start())

    def _no_mappings(self) -> EventSourceMappings:
        """No source is there, so that there can be no mapping."""

        async def open_loop(_mapping: Mapping, _tell: Callable[[str], None]) -> Loop:
            raise AssertionError("no mapping is ever enabled here")

        async def role_may(_role: str, _action: str, _resource: str) -> bool:
            return True

        surroundings = Surroundings(clock=self.clock, data=self.root, account=ACCOUNT)
        return EventSourceMappings(
            account=ACCOUNT,
            store=self.store,
            clock=self.clock,
            sources=Sources(surroundings),
            work=Work(open_loop, self.clock),
            seal=Seal(bytes(32)),
            role_may=role_may,
        )

    async def _resolves(self, name: str) -> bool:
        return True

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def restart(self) -> None:
        self._stop()
        self.open()

    def close(self) -> None:
        self._stop()
        self._runner.close()

    def _stop(self) -> None:
        self.run(self.registry.close())
        self.run(self.store.close())

    def pause(self) -> None:
        """Leave Pending and InProgress as they are, until `settle`."""
        self.code.going.clear()

    def settle(self) -> None:
        """Let what is Pending or InProgress finish."""
        self.code.going.set()
        self.run(self.registry.settled())

    def pass_grace(self) -> None:
        """Let the time pass after which unused code is removed."""

        async def wait() -> None:
            self.clock.advance(901)
            await self.registry.close()

        self.run(wait())

    def operation(self, operation: str, region: str = REGION, **params: Any) -> Coroutine[Any, Any, Any]:
        """One call, to be awaited."""
        call = Call(
            service="lambda",
            operation=operation,
            params=params,
            region=region,
            account=ACCOUNT,
            principal=Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT, access_key="AK"),
            request_id="request",
            source_ip="127.0.0.1",
        )
        method = self.service.operations[botocore.xform_name(operation)]
        return method(call)

    def result(self, operation: str, region: str = REGION, **params: Any) -> Result:
        """One call; every member of the answer must be one of the model's."""
        answer = self.run(self.operation(operation, region, **params))
        result = answer if isinstance(answer, Result) else Result(members=answer)
        shape = self._model.operation_model(operation).output_shape
        assert set(result.members) <= set(shape.members if shape else ())
        return result

    def call(self, operation: str, region: str = REGION, **params: Any) -> dict[str, Any]:
        """One call's answer as it goes out: members that are None are absent."""
        found = self.result(operation, region, **params)
        return {name: value for name, value in found.members.items() if value is not None}

    def creation(self, name: str, **params: Any) -> dict[str, Any]:
        """CreateFunction's parameters for a hello function."""
        defaults = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": zip_of()}}
        return {"FunctionName": name, **defaults, **params}

    def create(self, name: str = "f", *, settle: bool = True, **params: Any) -> dict[str, Any]:
        """CreateFunction of a hello function, settled unless told otherwise."""
        answer = self.call("CreateFunction", **self.creation(name, **params))
        if settle:
            self.settle()
        return answer

    def update(self, name: str = "f", **params: Any) -> dict[str, Any]:
        """UpdateFunctionConfiguration, settled."""
        answer = self.call("UpdateFunctionConfiguration", FunctionName=name, **params)
        self.settle()
        return answer

    def directories(self, kind: str) -> set[str]:
        """The names of unpacked `packages` or `layersets`."""
        return {path.name for path in (self.root / kind).iterdir() if path.is_dir()}
