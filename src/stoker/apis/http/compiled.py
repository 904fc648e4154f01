"""What a request needs of a deployed API: made once from its documents, not looked up for each request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stoker.apis.functions import function_arn
from stoker.apis.http.access_log import Line, parse_format
from stoker.apis.http.draft import (
    AUTHORIZER,
    HTTP,
    INTEGRATION,
    ROUTE,
    ROUTE_RESPONSE,
    STAGE,
    Document,
    Draft,
    Snapshot,
)
from stoker.apis.http.mapping import Change, compile_changes
from stoker.apis.http.route_key import parse_route_key
from stoker.apis.http.routes import TARGET_PREFIX
from stoker.apis.http.routing import RoutingTable
from stoker.apis.http.stages import DEFAULT_STAGE, LOG_GROUP_ARN
from stoker.apis.http.throttle import Buckets, Limit
from stoker.apis.request import ApiCall
from stoker.model.cors import CorsRules

# What a stage that sets only one of the two has of the other: an account's own. Source: "Amazon API Gateway quotas".
DEFAULT_RATE, DEFAULT_BURST = 10_000.0, 5_000
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Integration:
    """What a route leads to. `function` is its ARN; `uri` has its stage variables filled in."""

    id: str
    kind: str
    uri: str
    function: str | None
    method: str
    payload: str
    timeout_s: float
    role_arn: str | None
    request: Sequence[Change] = ()
    response: Mapping[int, Sequence[Change]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """Who decides. `kind` is JWT or REQUEST; of the two each has its own members."""

    id: str
    name: str
    kind: str
    sources: Sequence[str]
    issuer: str = ""
    audience: Sequence[str] = ()
    function: str = ""
    role_arn: str | None = None
    payload: str = "1.0"
    simple: bool = False
    ttl_s: int = 0


@dataclass(frozen=True, kw_only=True)
class Route:
    """`answers`: a WebSocket route whose integration's result goes back to the client."""

    id: str
    key: str
    authorization: str
    scopes: Sequence[str]
    authorizer: Authorizer | None
    integration: Integration | None
    limit: Limit | None
    answers: bool = False


@dataclass(frozen=True, kw_only=True)
class LogTarget:
    region: str
    group: str
    line: Line


@dataclass(frozen=True, kw_only=True)
class DeployedStage:
    """A stage with what it serves. `table` routes requests, `messages` those of a WebSocket API by their key."""

    name: str
    variables: Mapping[str, str]
    table: RoutingTable[Route]
    messages: Mapping[str, Route]
    log: LogTarget | None
    buckets: Buckets


@dataclass(frozen=True, kw_only=True)
class DeployedApi:
    """An API as requests meet it."""

    id: str
    region: str
    protocol: str
    cors: CorsRules | None
    selection: str
    open_by_default: bool
    stages: Mapping[str, DeployedStage]

    def select(self, call: ApiCall) -> tuple[DeployedStage, str] | None:
        """The stage of a call, and the path below it; None if there is none."""
        if call.stage is not None:
            stage = self.stages.get(call.stage)
            return None if stage is None else (stage, call.path[len(call.base_path) :] or "/")
        if not self.open_by_default:
            return None
        first, slash, rest = call.path[1:].partition("/")
        if first in self.stages and first != DEFAULT_STAGE:
            return self.stages[first], slash + rest or "/"
        default = self.stages.get(DEFAULT_STAGE)
        return None if default is None else (default, call.path)


def compile_api(region: str, draft: Draft, snapshots: Mapping[str, Snapshot]) -> DeployedApi:
    """An API with those of its stages that serve a deployment."""
    api = draft.api
    stages = {
        name: _stage(draft.protocol, stage, snapshots[stage["DeploymentId"]])
        for name, stage in draft.all(STAGE).items()
        if stage.get("DeploymentId") in snapshots
    }
    return DeployedApi(
        id=draft.id,
        region=region,
        protocol=draft.protocol,
        cors=_cors(api.get("CorsConfiguration")),
        selection=str(api.get("RouteSelectionExpression", "")),
        open_by_default=not api.get("DisableExecuteApiEndpoint"),
        stages=stages,
    )


def _stage(protocol: str, stage: Document, snapshot: Snapshot) -> DeployedStage:
    variables = stage["StageVariables"]
    authorizers = {key: _authorizer(each, variables) for key, each in snapshot.get(AUTHORIZER, {}).items()}
    integrations = {key: _integration(each, variables) for key, each in snapshot.get(INTEGRATION, {}).items()}
    answered = {each["RouteId"] for each in snapshot.get(ROUTE_RESPONSE, {}).values()}
    routes = [
        Route(
            id=route["RouteId"],
            key=route["RouteKey"],
            authorization=route["AuthorizationType"],
            scopes=tuple(route.get("AuthorizationScopes", ())),
            authorizer=authorizers.get(route.get("AuthorizerId", "")),
            integration=integrations.get(route.get("Target", "").removeprefix(TARGET_PREFIX)),
            limit=_limit(stage, route["RouteKey"]),
            answers=bool(route.get("RouteResponseSelectionExpression")) and route["RouteId"] in answered,
        )
        for route in snapshot.get(ROUTE, {}).values()
    ]
    is_http = protocol == HTTP
    return DeployedStage(
        name=stage["StageName"],
        variables=variables,
        table=RoutingTable((parse_route_key(route.key), route) for route in routes if is_http),
        messages={} if is_http else {route.key: route for route in routes},
        log=_log(stage.get("AccessLogSettings") or {}),
        buckets=Buckets(),
    )


def _limit(stage: Document, key: str) -> Limit | None:
    settings = {**stage["DefaultRouteSettings"], **stage["RouteSettings"].get(key, {})}
    rate, burst = settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit")
    if rate is None and burst is None:
        return None
    return Limit(rate=DEFAULT_RATE if rate is None else rate, burst=DEFAULT_BURST if burst is None else burst)


def _integration(part: Document, variables: Mapping[str, str]) -> Integration:
    uri = _filled(part.get("IntegrationUri", ""), variables)
    is_function = part["IntegrationType"] == "AWS_PROXY"
    return Integration(
        id=part["IntegrationId"],
        kind=part["IntegrationType"],
        uri=uri,
        function=function_arn(uri) if is_function else None,
        method=part.get("IntegrationMethod", "POST"),
        payload=part["PayloadFormatVersion"],
        timeout_s=part["TimeoutInMillis"] / 1000,
        role_arn=part.get("CredentialsArn"),
        request=compile_changes(part.get("RequestParameters", {})),
        response={int(key): compile_changes(each) for key, each in part.get("ResponseParameters", {}).items()},
    )


def _authorizer(part: Document, variables: Mapping[str, str]) -> Authorizer:
    jwt: Mapping[str, Any] = part.get("JwtConfiguration") or {}
    return Authorizer(
        id=part["AuthorizerId"],
        name=part["Name"],
        kind=part["AuthorizerType"],
        sources=tuple(part.get("IdentitySource", ())),
        issuer=jwt.get("Issuer", ""),
        audience=tuple(jwt.get("Audience", ())),
        function=function_arn(_filled(part.get("AuthorizerUri", ""), variables)) or "",
        role_arn=part.get("AuthorizerCredentialsArn"),
        payload=part.get("AuthorizerPayloadFormatVersion", "1.0"),
        simple=bool(part.get("EnableSimpleResponses")),
        ttl_s=part.get("AuthorizerResultTtlInSeconds", 0),
    )


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _STAGE_VARIABLE.sub(lambda found: variables.get(found[1], ""), text)


def _cors(given: Mapping[str, Any] | None) -> CorsRules | None:
    if not given:
        return None
    return CorsRules(
        allow_credentials=bool(given.get("AllowCredentials")),
        allow_headers=tuple(given.get("AllowHeaders", ())),
        allow_methods=tuple(given.get("AllowMethods", ())),
        allow_origins=tuple(given.get("AllowOrigins", ())),
        expose_headers=tuple(given.get("ExposeHeaders", ())),
        max_age_s=given.get("MaxAge"),
    )


def _log(settings: Mapping[str, Any]) -> LogTarget | None:
    found = LOG_GROUP_ARN.fullmatch(settings.get("DestinationArn", ""))
    if found is None:
        return None
    return LogTarget(region=found[1], group=found[3], line=parse_format(settings["Format"]))
