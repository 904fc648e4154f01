"""The API Gateway V2 API: which operation is served by what. VPC links, portals and routing rules are not built."""

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


class ApiGatewayV2Service:
    """Every attribute with an operation's name serves that operation. `address` says where an API is reached."""

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
        self.create_api = of_apis.create_api
        self.get_api = of_apis.get_api
        self.get_apis = of_apis.get_apis
        self.update_api = of_apis.update_api
        self.delete_api = of_apis.delete_api
        self.delete_cors_configuration = of_apis.delete_cors_configuration
        openapi = OpenApiOperations(apis, of_apis, pass_roles)
        self.import_api = openapi.import_api
        self.reimport_api = openapi.reimport_api
        self.export_api = openapi.export_api

        routes = PartOperations(ROUTES, apis, clock)
        self.create_route = routes.create
        self.get_route = routes.get
        self.get_routes = routes.list
        self.update_route = routes.update
        self.delete_route = routes.delete

        integrations = PartOperations(INTEGRATIONS, apis, clock)
        self.create_integration = integrations.create
        self.get_integration = integrations.get
        self.get_integrations = integrations.list
        self.update_integration = integrations.update
        self.delete_integration = integrations.delete

        of_authorizers = PartOperations(AUTHORIZERS, apis, clock)
        self.create_authorizer = of_authorizers.create
        self.get_authorizer = of_authorizers.get
        self.get_authorizers = of_authorizers.list
        self.update_authorizer = of_authorizers.update
        self.delete_authorizer = of_authorizers.delete

        self._stages(apis, authorizers, clock)
        self._responses_and_deployments(apis, clock)
        self._domains_and_tags(apis, domains)

    def __repr__(self) -> str:
        return f"<ApiGatewayV2Service of {self.name}>"

    def _stages(self, apis: HttpApis, authorizers: FunctionAuthorizers, clock: Clock) -> None:
        stages = PartOperations(STAGES, apis, clock, _stage_stamp)
        self.create_stage = stages.create
        self.get_stage = stages.get
        self.get_stages = stages.list
        self.update_stage = stages.update
        self.delete_stage = stages.delete
        settings = StageSettings(apis, authorizers)
        self.delete_access_log_settings = settings.delete_access_log_settings
        self.delete_route_settings = settings.delete_route_settings
        self.reset_authorizers_cache = settings.reset_authorizers_cache

    def _responses_and_deployments(self, apis: HttpApis, clock: Clock) -> None:
        responses = PartOperations(ROUTE_RESPONSES, apis, clock)
        self.create_route_response = responses.create
        self.get_route_response = responses.get
        self.get_route_responses = responses.list
        self.update_route_response = responses.update
        self.delete_route_response = responses.delete
        deployments = PartOperations(DEPLOYMENTS, apis, clock, _deployment_stamp)
        self.create_deployment = deployments.create
        self.get_deployment = deployments.get
        self.get_deployments = deployments.list
        self.update_deployment = deployments.update
        self.delete_deployment = deployments.delete

    def _domains_and_tags(self, apis: HttpApis, domains: Domains) -> None:
        of_domains = DomainOperations(domains)
        self.create_domain_name = of_domains.create_domain_name
        self.get_domain_name = of_domains.get_domain_name
        self.get_domain_names = of_domains.get_domain_names
        self.update_domain_name = of_domains.update_domain_name
        self.delete_domain_name = of_domains.delete_domain_name
        self.create_api_mapping = of_domains.create_api_mapping
        self.get_api_mapping = of_domains.get_api_mapping
        self.get_api_mappings = of_domains.get_api_mappings
        self.update_api_mapping = of_domains.update_api_mapping
        self.delete_api_mapping = of_domains.delete_api_mapping
        tags = TagOperations(apis, domains)
        self.get_tags = tags.get_tags
        self.tag_resource = tags.tag_resource
        self.untag_resource = tags.untag_resource


def _stage_stamp(now: float, new: bool) -> Document:
    return {"LastUpdatedDate": now, **({"CreatedDate": now} if new else {})}


def _deployment_stamp(now: float, new: bool) -> Document:
    return {"CreatedDate": now} if new else {}
