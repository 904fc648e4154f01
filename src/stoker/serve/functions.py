"""The Lambda API."""

from stoker.front_door.code_download import CodeDownload
from stoker.functions.code_links import CodeLinks
from stoker.functions.url_addresses import UrlAddresses
from stoker.identity.execution_roles import ExecutionRoles
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.lambda_.service import LambdaService


async def build(platform: Platform) -> Area:
    endpoint = platform.settings.endpoint_at(platform.settings.port)
    links = CodeLinks(endpoint=endpoint, secret=platform.keys.derived_key("code links"), clock=platform.clock)
    service = LambdaService(
        registry=platform.registry,
        invoker=platform.invoker,
        events=platform.events,
        runtimes=platform.runtimes,
        code_location=links.sign,
        code_objects=platform.code_objects,
        check_role=ExecutionRoles(platform.identities.directory, platform.clock).check,
        role_may=platform.delivery_access.role_may,
        url_address=UrlAddresses(endpoint=endpoint).of,
        provisioning=platform.provisioning,
        mappings=platform.mappings,
    )
    return Area(services=[service], pages={"code": CodeDownload(links, platform.code).answer})
