"""The API Gateway V2 API: which operation is served by what. VPC links, portals and routing rules are not built."""

from collections.abc import Mapping

from stoker.apis.domains import Domains
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.authorizers import AUTHORIZERS
from stoker.apis.http.deployments import DEPLOYMENTS
from stoker.apis.http.draft import Document
from stoker.apis.http.function_authorizer import FunctionAuthorizers
from stoker.apis.http.integrations import INTEGRATIONS
from stoker.apis.http.routes import ROUTE_RESPONSES, ROUTES
from stoker.apis.http.stages import STAGES
from stoker.model.access import AccessTable
from stoker.model.clock import Clock
from stoker.services.apigatewayv2.access import ACCESS
from stoker.services.apigatewayv2.apis import ApiAddress, ApiOperations
from stoker.services.apigatewayv2.domains import DomainOperations
from stoker.services.apigatewayv2.openapi import OpenApiOperations, PassRoles
from stoker.services.apigatewayv2.parts import PartOperations
from stoker.services.apigatewayv2.stage_settings import StageSettings
from stoker.services.apigatewayv2.tags import TagOperations
from stoker.wire.operations import Method, operations_of


class ApiGatewayV2Service:
    """`address` says where an API is reached."""

    name = "apigatewayv2"
    access: AccessTable = ACCESS

    def __init__(
        self,
        *,
        apis: HttpApis,
        domains: Domains,
        authorizers: FunctionAuthorizers,
        clock: Clock,
        address: ApiAddress,
        pass_roles: PassRoles,
    ) -> None:
        of_apis = ApiOperations(apis, clock, address)
        self.operations: Mapping[str, Method] = operations_of(
            of_apis,
            OpenApiOperations(apis, of_apis, pass_roles),
            PartOperations(ROUTES, apis, clock).operations("route"),
            PartOperations(ROUTE_RESPONSES, apis, clock).operations("route_response"),
            PartOperations(INTEGRATIONS, apis, clock).operations("integration"),
            PartOperations(AUTHORIZERS, apis, clock).operations("authorizer"),
            PartOperations(STAGES, apis, clock, _stage_stamp).operations("stage"),
            PartOperations(DEPLOYMENTS, apis, clock, _deployment_stamp).operations("deployment"),
            StageSettings(apis, authorizers),
            DomainOperations(domains),
            TagOperations(apis, domains),
        )

    def __repr__(self) -> str:
        return f"<ApiGatewayV2Service of {self.name}>"


def _stage_stamp(now: float, new: bool) -> Document:
    return {"LastUpdatedDate": now, **({"CreatedDate": now} if new else {})}


def _deployment_stamp(now: float, new: bool) -> Document:
    return {"CreatedDate": now} if new else {}
