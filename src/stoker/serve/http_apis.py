"""HTTP and WebSocket APIs."""

from stoker.apis.functions import SERVICE
from stoker.apis.http.admission import Admission
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.backends import Backends
from stoker.apis.http.connections import Connections
from stoker.apis.http.deployed import DeployedApis
from stoker.apis.http.function_authorizer import FunctionAuthorizers
from stoker.apis.http.host import HttpApiHost
from stoker.apis.http.key_sets import KeySets
from stoker.apis.http.request_log import RequestLog
from stoker.apis.http.rows import has_stage
from stoker.apis.http.socket_backends import SocketBackends
from stoker.apis.http.socket_host import SocketApiHost
from stoker.apis.http.tokens import Tokens
from stoker.apis.request import PATH
from stoker.deliveries.outbound import Outbound
from stoker.functions.url_addresses import UrlAddresses
from stoker.identity.role_passing import RolePassing
from stoker.serve.api_access import ApiPermissions
from stoker.serve.api_functions import ApiFunctions
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.apigatewaymanagementapi.service import ApiGatewayManagementApiService
from stoker.services.apigatewayv2.service import ApiGatewayV2Service

# Calls of HTTP endpoints: each waits in a thread.
ENDPOINTS_AT_ONCE = 128


async def build(platform: Platform) -> Area:
    clock, settings, account = platform.clock, platform.settings, platform.settings.account
    apis = HttpApis(platform.store, clock, account)
    await apis.start()
    platform.domains.know(has_stage)
    functions = ApiFunctions(
        invoker=platform.invoker, events=platform.events, access=platform.delivery_access, account=account
    )
    permissions = ApiPermissions(platform.authority, account)
    outbound = Outbound(allow_loopback=settings.loopback_endpoints, at_once=ENDPOINTS_AT_ONCE)
    # Of their own: endpoints that do not answer must not keep anybody from signing in.
    issuers = Outbound(allow_loopback=settings.loopback_endpoints)
    authorizers = FunctionAuthorizers(functions=functions, permissions=permissions, clock=clock, account=account)
    apis.watch(authorizers.forget)
    deployed, log, connections = DeployedApis(apis), RequestLog(platform.telemetry, clock), Connections()
    admission = Admission(
        verifier=platform.verifier,
        permissions=permissions,
        tokens=Tokens(KeySets(issuers, clock), clock),
        functions=authorizers,
        account=account,
    )
    host = HttpApiHost(
        apis=apis,
        deployed=deployed,
        admission=admission,
        backends=Backends(functions=functions, outbound=outbound, clock=clock, account=account),
        log=log,
        clock=clock,
        account=account,
    )
    sockets = SocketApiHost(
        apis=apis,
        deployed=deployed,
        connections=connections,
        admission=admission,
        backends=SocketBackends(functions=functions, outbound=outbound, clock=clock, account=account),
        log=log,
        clock=clock,
        account=account,
    )
    service = ApiGatewayV2Service(
        apis=apis,
        domains=platform.domains,
        authorizers=authorizers,
        clock=clock,
        address=UrlAddresses(endpoint=settings.endpoint_at(settings.port), label="execute-api", path=PATH).of,
        pass_roles=RolePassing(platform.authority, SERVICE).check,
    )

    async def end() -> None:
        await outbound.close()
        await issuers.close()

    management = ApiGatewayManagementApiService(connections=connections, clock=clock)
    return Area(
        services=[service, management],
        api_hosts=[host],
        socket_hosts=[sockets],
        api_domains=[platform.domains],
        end=end,
    )
