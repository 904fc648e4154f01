"""The API Gateway API: which operation is served by what."""

from collections.abc import Mapping

from stoker.apis.domains import Domains
from stoker.apis.rest.accounts import Accounts
from stoker.apis.rest.api_rules import CheckPolicy
from stoker.apis.rest.authorization import Authorization
from stoker.apis.rest.deployments import Deployments
from stoker.apis.rest.host import RestHost
from stoker.apis.rest.rest_apis import RestApis
from stoker.apis.rest.usage import Usage
from stoker.apis.rest.usage_plans import UsagePlans
from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.services.apigateway.access import ACCESS
from stoker.services.apigateway.apis import ApiOperations, PassRoles
from stoker.services.apigateway.deployments import DeploymentOperations
from stoker.services.apigateway.domains import DomainOperations
from stoker.services.apigateway.parts import PartOperations
from stoker.services.apigateway.plans import PlanOperations
from stoker.services.apigateway.resources import ResourceOperations
from stoker.services.apigateway.tags import TagOperations
from stoker.wire.operations import Method, operations_of


class ApiGatewayService:
    """REST APIs."""

    name = "apigateway"
    access: AccessTable = ACCESS

    def __init__(
        self,
        *,
        apis: RestApis,
        deployments: Deployments,
        plans: UsagePlans,
        usage: Usage,
        domains: Domains,
        accounts: Accounts,
        authorization: Authorization,
        host: RestHost,
        clock: Clock,
        check_policy: CheckPolicy,
        pass_roles: PassRoles,
    ) -> None:
        self.operations: Mapping[str, Method] = operations_of(
            ApiOperations(
                apis=apis,
                deployments=deployments,
                host=host,
                clock=clock,
                check_policy=check_policy,
                pass_roles=pass_roles,
            ),
            ResourceOperations(apis),
            PartOperations(apis),
            DeploymentOperations(deployments, authorization),
            PlanOperations(plans, usage),
            DomainOperations(domains),
            TagOperations(apis=apis, deployments=deployments, plans=plans, domains=domains, accounts=accounts),
        )

    def __repr__(self) -> str:
        return "<ApiGatewayService>"
