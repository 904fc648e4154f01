"""One run of the server, from its start to its end."""

import contextlib
import gc
import logging
import os
import resource
import socket
import sys

import uvloop

from stoker import __version__
from stoker.front_door.app import FrontDoor
from stoker.front_door.audit import Audit
from stoker.front_door.audit_log import AuditLog
from stoker.front_door.audit_page import AuditPage
from stoker.front_door.authorisation import Authoriser
from stoker.front_door.express import Express
from stoker.front_door.function_urls import FunctionUrls
from stoker.front_door.gateway import Gateway
from stoker.front_door.server import DormantListener, Server
from stoker.front_door.tls import server_context, signed_by_itself
from stoker.front_door.url_authorisation import UrlAuthoriser
from stoker.linux import capabilities, heap, rootless
from stoker.objects.places import PlaceError
from stoker.observability.prices import PricesError
from stoker.sandbox.driver import SandboxError
from stoker.serve.areas import BUILDERS
from stoker.serve.ending import INVOCATIONS_S, StopSignals, let_finish, limit_closing
from stoker.serve.platform import open_platform
from stoker.serve.visitors import bucket_visitors
from stoker.services.s3.service import S3Service
from stoker.settings import Settings
from stoker.store.data_dir import DataDirectory, DataDirectoryInUseError
from stoker.store.store import migrate

log = logging.getLogger(__name__)

# What clients of a certificate that signed itself have to trust.
CERTIFICATE = "certificate.pem"


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit status. What cannot be had is said on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # It reports each step of a migration at this level, and each of its plugins.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings.data.mkdir(parents=True, exist_ok=True)
    _allow_many_descriptors()
    try:
        if not _is_guarded(settings) or not _isolates(settings):
            return 1
        if rootless.is_needed():
            # Before any thread and the event loop: a process with more than one thread may not.
            rootless.enter()
        with DataDirectory.open(settings.data):
            _migrate_apart(settings)
            uvloop.run(_serve(settings))
    except (DataDirectoryInUseError, PlaceError, PricesError, SandboxError, OSError) as error:
        print(f"stoker: {error}", file=sys.stderr)
        return 1
    return 0


def _migrate_apart(settings: Settings) -> None:
    """In a child: what migrates takes 15 MB, which this process would have for as long as it runs.

    Forks, so nothing may be running yet. What fails there fails again here, where it is reported.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            migrate(settings.database_url)
            status = 0
        finally:
            os._exit(status)
    os.waitpid(child, 0)


def _allow_many_descriptors() -> None:
    """As many as may be had: an environment takes a dozen and each client one, where shells begin with 1,024 in all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _is_guarded(settings: Settings) -> bool:
    """Whether it may listen where it is told to; says why not, and what is not guarded."""
    if not settings.enforce_iam:
        print(
            "stoker: IAM IS NOT ENFORCED (--no-iam-enforcement): a user's key may do everything; only roles' sessions "
            "are held to their policies. For development.",
            file=sys.stderr,
        )
    if not settings.is_local and settings.tls is None and not settings.insecure:
        print(
            f"stoker: not starting: on {settings.host} everybody on the way could read the secrets that pass. "
            "Give it a certificate with --tls-cert and --tls-key, or say --insecure.",
            file=sys.stderr,
        )
        return False
    return True


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
    signals = StopSignals()
    async with contextlib.AsyncExitStack() as stack:
        server = await signals.unless_asked(_build(settings, stack), limit_closing)
        if server is None:
            return
        _leave_for_clients(settings, server)
        _excuse_from_collection()
        log.info("stoker %s is ready on %s", __version__, settings.endpoint_at(server.port))
        await signals.wait()
        log.info("stopping: no new requests, what runs may finish; a second signal ends it")


def _excuse_from_collection() -> None:
    """What is alive now stays, APIs' models above all: looking through it took the collector 25 ms at a time."""
    gc.collect()
    gc.freeze()
    heap.trim()


async def _build(settings: Settings, stack: contextlib.AsyncExitStack) -> Server:
    """Build and start everything; each part's end is pushed on `stack` as it begins."""

    def serve_inside(sock: socket.socket) -> DormantListener:
        return server.serve_socket(sock)

    tls = server_context(*settings.tls) if settings.tls is not None else None
    platform = await open_platform(settings, stack, serve_inside)
    areas = [await build(platform) for build in BUILDERS]
    records = AuditLog(settings.data / "audit")
    stack.push_async_callback(records.close)
    audit_page = AuditPage(records=records, verifier=platform.verifier)
    services = [service for area in areas for service in area.services]
    authoriser = Authoriser(platform.authority, services)
    s3 = next(service for service in services if isinstance(service, S3Service))
    door = FrontDoor(
        services,
        verifier=platform.verifier,
        authorise=authoriser.check,
        account=settings.account,
        version=__version__,
        pages={"audit": audit_page.answer} | {name: page for area in areas for name, page in area.pages.items()},
        audit=Audit(records, platform.clock),
        urls=FunctionUrls(
            urls=platform.registry.urls,
            invoker=platform.invoker,
            verifier=platform.verifier,
            authoriser=UrlAuthoriser(platform.authority),
            clock=platform.clock,
        ),
        gateway=Gateway(
            hosts=[host for area in areas for host in area.api_hosts],
            domains=[domains for area in areas for domains in area.api_domains],
            sockets=[host for area in areas for host in area.socket_hosts],
            clock=platform.clock,
        ),
        visitors=bucket_visitors(platform, s3, authoriser),
        count=platform.metrics.answered,
        tracer=platform.tracer,
    )
    for area in areas:
        area.meet(door.ask)
    lambda_api = (await door.apis.load("lambda")).api
    express = Express(
        api=lambda_api,
        account=settings.account,
        verifier=platform.verifier,
        is_open=authoriser.is_open,
        invoker=platform.invoker,
        events=platform.events,
        count=platform.metrics.answered,
        tracer=platform.tracer,
    )
    server = Server(door, express)
    await server.start(settings.host, settings.port, tls=tls, proxies=settings.proxies)
    stack.push_async_callback(platform.fleet.close, limit_s=0.0)
    await platform.provisioning.start()
    stack.push_async_callback(platform.provisioning.close)
    platform.fleet.templates.resume(await platform.registry.optimized())
    await platform.events.start()
    stack.push_async_callback(platform.events.close, limit_s=0.0)
    for area in areas:
        await area.begin()
        stack.push_async_callback(area.end)
    stack.push_async_callback(server.close)
    stack.callback(limit_closing)

    async def finish() -> None:
        parts = [server.drain(), platform.events.close(limit_s=INVOCATIONS_S), *(area.let_go() for area in areas)]
        await let_finish(parts, lambda: platform.fleet.is_busy, platform.clock)

    stack.push_async_callback(finish)
    return server


def _leave_for_clients(settings: Settings, server: Server) -> None:
    """Tell the command line where this data directory's Stoker listens, which region is its own, and whom to trust."""
    left = {"endpoint": settings.endpoint_at(server.port), "region": settings.region}
    own = signed_by_itself(settings.tls[0]) if settings.tls is not None else None
    if own is not None:
        left[CERTIFICATE] = own.rstrip()
    else:
        (settings.data / CERTIFICATE).unlink(missing_ok=True)
    for name, text in left.items():
        draft = settings.data / f"{name}.draft"
        draft.write_text(f"{text}\n")
        draft.rename(settings.data / name)
