"""What every area stands on: the store, the registry of functions, environments, invocations, and keys."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from stoker.apis.domains import Domains
from stoker.deliveries.outbox import Outbox
from stoker.deliveries.pacing import YOUNG_PER_CPU, Pacing
from stoker.deliveries.targets import Targets
from stoker.environments.anticipation import Anticipation
from stoker.environments.capacity import spare_memory_mb, template_budget_mb
from stoker.environments.fleet import Fleet
from stoker.environments.provisioning import Provisioning
from stoker.event_sources.mappings import EventSourceMappings
from stoker.event_sources.sources import Sources
from stoker.front_door.server import DormantListener
from stoker.functions.code_objects import CodeObjects
from stoker.functions.code_storage import CodeStorage
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue, SearchPlaces
from stoker.identity.authority import Authority
from stoker.identity.delivery_access import DeliveryAccess
from stoker.identity.execution_roles import ExecutionRoles
from stoker.identity.identities import Identities, open_identities
from stoker.invocations.async_queue import AsyncQueue
from stoker.invocations.invoker import Invoker
from stoker.linux.available_memory import AvailableMemory
from stoker.model.clock import Clock, SystemClock
from stoker.model.function import FunctionVersion
from stoker.observability.cloudwatch.meters import Meters
from stoker.observability.metrics import Metrics
from stoker.observability.telemetry import Telemetry, open_telemetry
from stoker.sandbox.driver import SandboxDriver
from stoker.serve.execution_credentials import minter
from stoker.serve.mappings import open_mappings, role_finder
from stoker.serve.sandboxes import ENDPOINT_PORT, open_drivers
from stoker.serve.tracing import open_tracer
from stoker.settings import Settings
from stoker.store.blobs import BlobStore
from stoker.store.store import Store, open_store
from stoker.tracing.tracer import Tracer
from stoker.wire import credentials
from stoker.wire.credentials import Credentials
from stoker.wire.sigv4 import Verifier

ServeInside = Callable[[socket.socket], DormantListener]


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Everything is open; environments, provisioning, queued events and deliveries begin once requests are served."""

    settings: Settings
    clock: Clock
    keys: Credentials
    verifier: Verifier
    store: Store
    identities: Identities
    authority: Authority
    delivery_access: DeliveryAccess
    telemetry: Telemetry
    meters: Meters
    metrics: Metrics
    tracer: Tracer | None
    code: CodeStorage
    code_objects: CodeObjects
    runtimes: RuntimeCatalogue
    registry: Registry
    fleet: Fleet
    provisioning: Provisioning
    invoker: Invoker
    events: AsyncQueue
    targets: Targets
    outbox: Outbox
    sources: Sources
    mappings: EventSourceMappings
    domains: Domains


async def open_platform(settings: Settings, stack: contextlib.AsyncExitStack, serve_inside: ServeInside) -> Platform:
    """Open everything; what has to be closed at the very end is pushed on `stack`.

    `serve_inside` serves the front door on a socket in a sandbox.
    """
    clock = SystemClock()
    keys = await asyncio.to_thread(
        credentials.load_or_create, settings.data, settings.root_key, account=settings.account
    )
    store = await asyncio.to_thread(open_store, settings.database_url)
    stack.push_async_callback(store.close)
    identities = await open_identities(
        account=settings.account, store=store, clock=clock, key=keys.derived_key("secrets at rest")
    )
    keys.consult(identities.signers)
    authority = Authority(
        identities.directory,
        account=settings.account,
        clock=clock,
        enforce=settings.enforce_iam,
        tls=settings.tls is not None,
    )
    telemetry = await open_telemetry(settings.data / "telemetry", clock)
    stack.push_async_callback(telemetry.close)
    meters = Meters(telemetry.measure, clock)
    stack.callback(meters.flush)
    code = CodeStorage(settings.data, BlobStore(settings.data / "blobs"))
    places = SearchPlaces.of_this_machine(home=settings.home, path=settings.path)
    runtimes = await asyncio.to_thread(RuntimeCatalogue.discover, places)
    registry = Registry(
        account=settings.account,
        store=store,
        code=code,
        runtimes=runtimes,
        clock=clock,
        concurrency=settings.concurrency,
    )
    stack.push_async_callback(registry.close)
    await registry.start()
    drivers = open_drivers(settings, serve_inside)
    stack.push_async_callback(drivers.close)
    await drivers.get(settings.sandbox)

    async def driver_for(function: FunctionVersion) -> SandboxDriver:
        return await drivers.get(await registry.sandbox_of(function) or settings.sandbox)

    anticipation = Anticipation(registry=registry, runtimes=runtimes, driver_for=driver_for)
    stack.push_async_callback(anticipation.close)
    available_memory = AvailableMemory()
    fleet = Fleet(
        registry=registry,
        runtimes=runtimes,
        driver_for=driver_for,
        telemetry=telemetry,
        clock=clock,
        mint=minter(ExecutionRoles(identities.directory, clock), keys, clock),
        endpoint_url=f"http://127.0.0.1:{ENDPOINT_PORT}",
        reservations=registry.reservations,
        keep_warm_s=settings.keep_warm_s,
        spare_mb=spare_memory_mb(available_memory),
        shed=drivers.shed,
        template_budget_mb=template_budget_mb(available_memory),
    )
    registry.optimise_by(fleet.templates.make)
    metrics = Metrics()
    tracer = None if settings.traces is None else open_tracer(settings.traces, clock, metrics, stack)
    invoker = Invoker(registry=registry, fleet=fleet, clock=clock, tracer=tracer)
    # A data directory belongs to one Stoker at a time, so its name says whose leases these are.
    owner = f"{socket.gethostname()}:{settings.data.resolve()}"
    delivery_access = DeliveryAccess(authority, identities.directory)
    targets = Targets(delivery_access.check)
    outbox = Outbox(store=store, targets=targets, clock=clock, owner=owner)
    events = AsyncQueue(
        account=settings.account,
        store=store,
        invoker=invoker,
        clock=clock,
        owner=owner,
        pacing=Pacing(most=settings.concurrency, young=YOUNG_PER_CPU * (os.cpu_count() or 1)),
        is_stopped=lambda region, function: registry.reservations.of((region, function)) == 0,
        wake_outbox=outbox.wake,
        role_may=delivery_access.role_may,
        tracer=tracer,
    )
    registry.on_change(events.let_go)
    sources, mappings = await open_mappings(
        settings,
        store=store,
        outbox=outbox,
        clock=clock,
        invoker=invoker,
        seal=identities.seal,
        registry=registry,
        role_may=delivery_access.role_may,
        meters=meters,
    )
    delivery_access.find_roles_by(role_finder(mappings, registry))
    domains = Domains(store, clock)
    await domains.start()
    return Platform(
        settings=settings,
        clock=clock,
        keys=keys,
        verifier=Verifier(keys, clock),
        store=store,
        identities=identities,
        authority=authority,
        delivery_access=delivery_access,
        telemetry=telemetry,
        meters=meters,
        metrics=metrics,
        tracer=tracer,
        code=code,
        code_objects=CodeObjects(),
        runtimes=runtimes,
        registry=registry,
        fleet=fleet,
        provisioning=Provisioning(
            fleet=fleet, registry=registry, account=settings.account, clock=clock, charge=telemetry.charge
        ),
        invoker=invoker,
        events=events,
        targets=targets,
        outbox=outbox,
        sources=sources,
        mappings=mappings,
        domains=domains,
    )
