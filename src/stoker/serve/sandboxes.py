"""The sandbox drivers that this Stoker may use, opened when first needed."""

from stoker.linux.cgroups import CgroupsUnavailableError
from stoker.sandbox.driver import SandboxDriver, SandboxError
from stoker.sandbox.drivers import GVISOR, LINUX, Drivers
from stoker.sandbox.gvisor_driver import GvisorDriver
from stoker.sandbox.linux_driver import LinuxDriver, ServeEndpoint
from stoker.settings import Settings

# Where Stoker is found from inside a sandbox, whatever port it has outside.
ENDPOINT_PORT = 4566
# gVisor starts slowly however much is ready.
GVISOR_SLOTS, GVISOR_BLANKS = 2, 1


def open_drivers(settings: Settings, serve_endpoint: ServeEndpoint) -> Drivers:
    """`serve_endpoint` serves the front door on a socket in a sandbox."""

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
