"""The composition root: builds every part, starts them in order, and takes them down in the opposite one."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import sys

import uvloop

from stoker import __version__
from stoker.environments.anticipation import Anticipation
from stoker.environments.capacity import spare_memory_mb
from stoker.environments.fleet import Fleet
from stoker.environments.provisioning import Provisioning
from stoker.environments.variables import Credentials
from stoker.front_door.app import FrontDoor, Service
from stoker.front_door.bill import BillPage
from stoker.front_door.code_download import CodeDownload
from stoker.front_door.function_urls import FunctionUrls
from stoker.front_door.server import Listener, Server
from stoker.functions.code_links import CodeLinks
from stoker.functions.code_storage import CodeStorage
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue, SearchPlaces
from stoker.functions.url_addresses import UrlAddresses
from stoker.invocations.async_queue import AsyncQueue
from stoker.invocations.invoker import Invoker
from stoker.invocations.pacing import YOUNG_PER_CPU, Pacing
from stoker.linux import capabilities, rootless
from stoker.linux.cgroups import CgroupsUnavailableError
from stoker.model.clock import SystemClock
from stoker.model.function import FunctionVersion
from stoker.observability.prices import PricesError, load_prices
from stoker.observability.telemetry import open_telemetry
from stoker.sandbox.driver import SandboxDriver, SandboxError
from stoker.sandbox.drivers import GVISOR, LINUX, Drivers
from stoker.sandbox.gvisor_driver import GvisorDriver
from stoker.sandbox.linux_driver import LinuxDriver, ServeEndpoint
from stoker.services.lambda_.service import LambdaService
from stoker.services.logs.service import LogsService
from stoker.services.sts.service import StsService
from stoker.settings import Settings
from stoker.store.blobs import BlobStore
from stoker.store.data_dir import DataDirectory, DataDirectoryInUseError
from stoker.store.store import open_store
from stoker.wire import credentials
from stoker.wire.sigv4 import Verifier

log = logging.getLogger(__name__)

# Where Stoker is found from inside a sandbox, whatever port it has outside.
ENDPOINT_PORT = 4566
# Longer than an environment may live (6 h, see environments), so that no function sees its credentials end.
ROLE_SESSION_S = 12 * 3600.0
DRAIN_LIMIT_S = 900.0
# gVisor starts slowly however much is ready.
GVISOR_SLOTS, GVISOR_BLANKS = 2, 1


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit status. What cannot be had is said on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # It reports each step of a migration at this level, and each of its plugins.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings.data.mkdir(parents=True, exist_ok=True)
    _allow_many_descriptors()
    try:
        if not _isolates(settings):
            return 1
        if rootless.is_needed():
            # Before any thread and the event loop: a process with more than one thread may not.
            rootless.enter()
        with DataDirectory.open(settings.data):
            uvloop.run(_serve(settings))
    except (DataDirectoryInUseError, PricesError, SandboxError, OSError) as error:
        print(f"stoker: {error}", file=sys.stderr)
        return 1
    return 0


def _allow_many_descriptors() -> None:
    """As many as may be had: an environment takes a dozen and each client one, where shells begin with 1,024 in all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _isolates(settings: Settings) -> bool:
    """Whether this machine can isolate functions; says what it cannot. Forks, so nothing may be running yet."""
    # The operator's server goes last when the machine is out of memory, where the kernel lets it say so.
    with contextlib.suppress(PermissionError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("-900")
    missing = [each for each in capabilities.probe("stoker-probe", settings.data) if not each.available]
    for each in missing:
        print(f"stoker: {each.name} not to be had: {each.detail}. To do: {each.remedy}.", file=sys.stderr)
    needed = [each for each in missing if each.needed]
    if fatal := [each.name for each in needed if not each.without]:
        print(f"stoker: not starting; nothing can be isolated without {', '.join(fatal)}.", file=sys.stderr)
        return False
    for each in needed:
        how = "" if settings.allow_weak_isolation else "not starting, unless with --allow-weak-isolation: then "
        print(f"stoker: {how}{each.without}.", file=sys.stderr)
    return settings.allow_weak_isolation or not needed


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        server = await _build(settings, stack)
        _leave_for_clients(settings, server)
        _excuse_from_collection()
        log.info("stoker %s is ready on http://%s:%d", __version__, settings.host, server.port)
        await stopping.wait()
        log.info("stopping: no new requests, what runs may finish")


def _excuse_from_collection() -> None:
    """What is alive now stays, APIs' models above all: looking through it took the collector 25 ms at a time."""
    gc.collect()
    gc.freeze()


async def _build(settings: Settings, stack: contextlib.AsyncExitStack) -> Server:
    """Build and start everything; each part's end is pushed on `stack` as it begins."""
    clock = SystemClock()
    prices = load_prices(settings.prices)
    keys = await asyncio.to_thread(
        credentials.load_or_create, settings.data, settings.root_key, account=settings.account
    )
    store = await asyncio.to_thread(open_store, settings.store_url or f"sqlite:///{settings.data}/stoker.db")
    stack.push_async_callback(store.close)
    telemetry = await open_telemetry(settings.data / "telemetry", clock)
    stack.push_async_callback(telemetry.close)
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

    async def serve_inside(sock: socket.socket) -> Listener:
        return await server.serve_socket(sock)

    drivers = _drivers(settings, serve_inside)
    stack.push_async_callback(drivers.close)
    await drivers.get(settings.sandbox)

    async def driver_for(function: FunctionVersion) -> SandboxDriver:
        return await drivers.get(await registry.sandbox_of(function) or settings.sandbox)

    async def mint(role_arn: str, session_name: str) -> Credentials:
        session = keys.mint(role_arn, session_name, ROLE_SESSION_S, now=clock.time())
        return Credentials(
            access_key_id=session.access_key,
            secret_access_key=session.secret_key,
            session_token=session.session_token,
        )

    anticipation = Anticipation(registry=registry, runtimes=runtimes, driver_for=driver_for)
    stack.push_async_callback(anticipation.close)
    fleet = Fleet(
        registry=registry,
        runtimes=runtimes,
        driver_for=driver_for,
        telemetry=telemetry,
        clock=clock,
        mint=mint,
        endpoint_url=f"http://127.0.0.1:{ENDPOINT_PORT}",
        reservations=registry.reservations,
        keep_warm_s=settings.keep_warm_s,
        spare_mb=spare_memory_mb(),
    )
    provisioning = Provisioning(fleet=fleet, registry=registry, account=settings.account, clock=clock)
    links = CodeLinks(endpoint=settings.endpoint_at(settings.port), secret=keys.derived_key("code links"), clock=clock)
    invoker = Invoker(registry=registry, fleet=fleet, authorise=lambda request, target: None, clock=clock)
    events = AsyncQueue(
        account=settings.account,
        store=store,
        invoker=invoker,
        clock=clock,
        # A data directory belongs to one Stoker at a time, so its name says whose leases these are.
        owner=f"{socket.gethostname()}:{settings.data.resolve()}",
        pacing=Pacing(most=settings.concurrency, young=YOUNG_PER_CPU * (os.cpu_count() or 1)),
        is_stopped=lambda region, function: registry.reservations.of((region, function)) == 0,
    )
    registry.on_change(events.let_go)
    services: list[Service] = [
        LambdaService(
            registry=registry,
            invoker=invoker,
            events=events,
            runtimes=runtimes,
            code_location=links.sign,
            url_address=UrlAddresses(endpoint=settings.endpoint_at(settings.port)).of,
            provisioning=provisioning,
        ),
        LogsService(telemetry=telemetry, clock=clock),
        StsService(),
    ]
    verifier = Verifier(keys, clock)
    door = FrontDoor(
        services,
        verifier=verifier,
        account=settings.account,
        version=__version__,
        routes={
            "code": CodeDownload(links, code).answer,
            "bill": BillPage(telemetry=telemetry, verifier=verifier, prices=prices, clock=clock).answer,
        },
        urls=FunctionUrls(urls=registry.urls, invoker=invoker, verifier=verifier, clock=clock),
    )
    server = Server(door)
    await server.start(settings.host, settings.port)
    stack.push_async_callback(fleet.close, limit_s=DRAIN_LIMIT_S)
    await provisioning.start()
    stack.push_async_callback(provisioning.close)
    await events.start()
    stack.push_async_callback(events.close, limit_s=DRAIN_LIMIT_S)
    stack.push_async_callback(server.stop, DRAIN_LIMIT_S)
    return server


def _drivers(settings: Settings, serve_endpoint: ServeEndpoint) -> Drivers:
    async def linux() -> SandboxDriver:
        return await LinuxDriver.open(
            settings.data,
            endpoint_port=ENDPOINT_PORT,
            slots=settings.slots,
            blanks=settings.blanks,
            serve_endpoint=serve_endpoint,
            allow_weak_isolation=settings.allow_weak_isolation,
        )

    async def gvisor() -> SandboxDriver:
        try:
            return await GvisorDriver.open(
                settings.data,
                endpoint_port=ENDPOINT_PORT,
                slots=GVISOR_SLOTS,
                blanks=GVISOR_BLANKS,
                serve_endpoint=serve_endpoint,
            )
        except CgroupsUnavailableError as error:
            raise SandboxError(f"gVisor needs cgroups: {error}") from error

    return Drivers({LINUX: linux, GVISOR: gvisor})


def _leave_for_clients(settings: Settings, server: Server) -> None:
    """Tell the command line where this data directory's Stoker listens, and which region is its own."""
    for name, text in (("endpoint", settings.endpoint_at(server.port)), ("region", settings.region)):
        draft = settings.data / f"{name}.draft"
        draft.write_text(f"{text}\n")
        draft.rename(settings.data / name)
