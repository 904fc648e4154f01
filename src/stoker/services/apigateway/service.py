"""The API Gateway API: which operation is served by what."""

import inspect

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


class ApiGatewayService:
    """Every attribute with an operation's name serves that operation."""

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
        for part in (
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
        ):
            self._serve(part)

    def __repr__(self) -> str:
        return "<ApiGatewayService>"

    def _serve(self, part: object) -> None:
        """Each public coroutine of a part is an operation of its name."""
        for name, method in inspect.getmembers(part, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                setattr(self, name, method)
