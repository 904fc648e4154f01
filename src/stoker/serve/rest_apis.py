"""REST APIs."""

from stoker.apis.functions import SERVICE
from stoker.apis.rest.access_logs import AccessLogs
from stoker.apis.rest.accounts import Accounts
from stoker.apis.rest.authorization import Authorization
from stoker.apis.rest.deployments import Deployments, has_stage
from stoker.apis.rest.execution import Execution
from stoker.apis.rest.host import RestHost
from stoker.apis.rest.integrations import Integrations
from stoker.apis.rest.rest_apis import RestApis
from stoker.apis.rest.usage import Usage
from stoker.apis.rest.usage_plans import UsagePlans
from stoker.deliveries.outbound import Outbound
from stoker.identity.role_passing import RolePassing
from stoker.serve.api_functions import ApiFunctions
from stoker.serve.area import Area
from stoker.serve.late_door import LateDoor
from stoker.serve.platform import Platform
from stoker.serve.rest_access import RestAccess
from stoker.serve.rest_services import RestServices
from stoker.services.apigateway.service import ApiGatewayService


async def build(platform: Platform) -> Area:
    store, clock, settings = platform.store, platform.clock, platform.settings
    functions = ApiFunctions(
        invoker=platform.invoker, events=platform.events, access=platform.delivery_access, account=settings.account
    )
    access = RestAccess(
        authority=platform.authority,
        verifier=platform.verifier,
        directory=platform.identities.directory,
        account=settings.account,
    )
    authorization = Authorization(functions=functions, access=access, clock=clock)
    plans = UsagePlans(store, clock)
    usage = Usage(plans=plans, store=store, clock=clock)
    outbound = Outbound(allow_loopback=settings.loopback_endpoints)
    late = LateDoor()
    services = RestServices(
        late,
        endpoint=settings.endpoint_at(settings.port),
        directory=platform.identities.directory,
        keys=platform.keys,
        clock=clock,
    )
    execution = Execution(
        authorization=authorization,
        usage=usage,
        integrations=Integrations(functions=functions, services=services, outbound=outbound),
        logs=AccessLogs(platform.telemetry, clock),
        clock=clock,
    )
    host = RestHost(
        store=store, account=settings.account, clock=clock, execution=execution, authorization=authorization
    )
    await host.load()
    platform.domains.know(has_stage)
    service = ApiGatewayService(
        apis=RestApis(store),
        deployments=Deployments(store, clock, host.forget_stage),
        plans=plans,
        usage=usage,
        domains=platform.domains,
        accounts=Accounts(store, access.is_role),
        authorization=authorization,
        host=host,
        clock=clock,
        check_policy=access.check_policy,
        pass_roles=RolePassing(platform.authority, SERVICE).check,
    )

    async def end() -> None:
        await usage.close()
        await outbound.close()

    return Area(services=[service], api_hosts=[host], meet=late.open, end=end)
