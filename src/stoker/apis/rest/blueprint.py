"""What a stage serves, compiled from a deployment: the tree of paths, and at its ends methods. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stoker.apis.rest.access_logs import LogTarget, read_settings
from stoker.apis.rest.gateway_responses import Wording, wordings
from stoker.apis.rest.model_schemas import ModelValidator, validator_for
from stoker.apis.rest.vtl.nodes import Block
from stoker.apis.rest.vtl.parser import parse
from stoker.model.limited_regex import Pattern

ANY = "ANY"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Requests a second, and how many at once."""

    rate: float
    burst: int


@dataclass(frozen=True, kw_only=True)
class IntegrationResponse:
    """`pattern` None: what holds where no pattern matches. Templates by content type."""

    status: str
    pattern: Pattern | None
    parameters: Mapping[str, str]
    templates: Mapping[str, Block]
    content_handling: str | None


@dataclass(frozen=True, kw_only=True)
class Integration:
    """What a method leads to. `uri` may have `${stageVariables.x}` and `{x}`."""

    kind: str
    uri: str
    http_method: str
    credentials: str | None
    parameters: Mapping[str, str]
    templates: Mapping[str, Block]
    passthrough: str
    content_handling: str | None
    timeout_s: float
    responses: Sequence[IntegrationResponse]


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """A function that is asked whether a request may be made.

    `sources` say which parts of a request identify its caller: `method.request.header.Authorization`.
    """

    id: str
    kind: str
    uri: str
    credentials: str | None
    sources: Sequence[str]
    validation: Pattern | None
    ttl_s: int


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method of a resource, with all that is asked before it is done."""

    resource_id: str
    resource_path: str
    http_method: str
    operation_name: str | None
    authorization: str
    authorizer: Authorizer | None
    needs_key: bool
    required: Sequence[str]
    models: Mapping[str, ModelValidator]
    integration: Integration
    limit: Limit | None


NO_METHOD = Method(
    resource_id="",
    resource_path="",
    http_method="",
    operation_name=None,
    authorization="NONE",
    authorizer=None,
    needs_key=False,
    required=(),
    models={},
    integration=Integration(
        kind="MOCK",
        uri="",
        http_method="",
        credentials=None,
        parameters={},
        templates={},
        passthrough="NEVER",
        content_handling=None,
        timeout_s=0.0,
        responses=(),
    ),
    limit=None,
)
"""What a request has that leads to no method."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A method and what its path's parameters are, still percent-encoded."""

    method: Method
    parameters: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class _Node:
    children: "dict[str, _Node]" = field(default_factory=dict)
    variable: "tuple[str, _Node] | None" = None
    greedy: "tuple[str, _Node] | None" = None
    methods: dict[str, Method] = field(default_factory=dict)


class Blueprint:
    """A deployment as a stage of it serves it."""

    def __init__(self, snapshot: Mapping[str, Any], stage: Mapping[str, Any], *, region: str, account: str) -> None:
        api = snapshot["api"]
        self.api_id: str = api["id"]
        self.region = region
        self.account = account
        self.stage: str = stage["stageName"]
        self.deployment_id: str = stage["deploymentId"]
        self.variables: Mapping[str, str] = stage.get("variables") or {}
        self.policy: str | None = api.get("policy")
        self.binary_types: Sequence[str] = api.get("binaryMediaTypes") or ()
        self.compress_from: int | None = api.get("minimumCompressionSize")
        self.key_source: str = api.get("apiKeySource", "HEADER")
        self.wordings: Mapping[str, Wording] = wordings(snapshot)
        self.log: LogTarget | None = read_settings(stage.get("accessLogSettings"))
        self._root = _Node()
        for resource in snapshot["resources"].values():
            node = self._node(resource["path"])
            for name, method in resource["resourceMethods"].items():
                node.methods[name] = _method(snapshot, stage, resource, method)

    def __repr__(self) -> str:
        return f"<Blueprint {self.api_id}/{self.stage}>"

    @cached_property
    def arn(self) -> str:
        """Of the stage: `arn:aws:execute-api:region:account:api/stage`."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}/{self.stage}"

    def find(self, http_method: str, path: str) -> Found | None:
        """The method of a request: its resource by the closest match of the path, and there its own or ANY."""
        parts = [part for part in path.split("/") if part]
        for node, parameters in _matches(self._root, parts, 0):
            if node.methods:
                method = node.methods.get(http_method) or node.methods.get(ANY)
                return None if method is None else Found(method=method, parameters=parameters)
        return None

    def _node(self, path: str) -> _Node:
        node = self._root
        for part in (part for part in path.split("/") if part):
            if part.endswith("+}"):
                node.greedy = node.greedy or (part[1:-2], _Node())
                node = node.greedy[1]
            elif part.startswith("{"):
                node.variable = node.variable or (part[1:-1], _Node())
                node = node.variable[1]
            else:
                node = node.children.setdefault(part, _Node())
        return node


def _matches(node: _Node, parts: Sequence[str], at: int) -> Iterator[tuple[_Node, dict[str, str]]]:
    """The nodes that a path leads to, the closest first: by its own words, by a variable, by a greedy one."""
    if at == len(parts):
        yield node, {}
        return
    child = node.children.get(parts[at])
    if child is not None:
        yield from _matches(child, parts, at + 1)
    if node.variable is not None:
        name, below = node.variable
        for found, parameters in _matches(below, parts, at + 1):
            yield found, {name: parts[at], **parameters}
    if node.greedy is not None:
        yield node.greedy[1], {node.greedy[0]: "/".join(parts[at:])}


def _method(
    snapshot: Mapping[str, Any], stage: Mapping[str, Any], resource: Mapping[str, Any], method: Mapping[str, Any]
) -> Method:
    validator = snapshot["validators"].get(method.get("requestValidatorId") or "") or {}
    parameters = method.get("requestParameters") or {}
    models: Mapping[str, ModelValidator] = {}
    if validator.get("validateRequestBody"):
        models = {
            content_type: validator_for(name, snapshot["models"])
            for content_type, name in (method.get("requestModels") or {}).items()
        }
    checked = validator.get("validateRequestParameters")
    authorizer = snapshot["authorizers"].get(method.get("authorizerId") or "")
    return Method(
        resource_id=resource["id"],
        resource_path=resource["path"],
        http_method=method["httpMethod"],
        operation_name=method.get("operationName"),
        authorization=method["authorizationType"],
        authorizer=None if method["authorizationType"] != "CUSTOM" or authorizer is None else _authorizer(authorizer),
        needs_key=bool(method.get("apiKeyRequired")),
        required=[name for name, required in parameters.items() if required] if checked else [],
        models=models,
        integration=_integration(method["methodIntegration"]),
        limit=_limit(stage, resource["path"], method["httpMethod"]),
    )


def _limit(stage: Mapping[str, Any], path: str, http_method: str) -> Limit | None:
    """The stage's own limit of a method, or of all methods."""
    settings = stage.get("methodSettings") or {}
    keys = (f"{path.replace('/', '~1')}/{http_method}", f"{path[1:].replace('/', '~1')}/{http_method}", "*/*")
    found = next((settings[key] for key in keys if key in settings), None)
    if found is None or "throttlingRateLimit" not in found or "throttlingBurstLimit" not in found:
        return None
    return Limit(rate=found["throttlingRateLimit"], burst=found["throttlingBurstLimit"])


def _authorizer(given: Mapping[str, Any]) -> Authorizer:
    expression = given.get("identityValidationExpression")
    return Authorizer(
        id=given["id"],
        kind=given["type"],
        uri=given["authorizerUri"],
        credentials=given.get("authorizerCredentials"),
        sources=[source.strip() for source in (given.get("identitySource") or "").split(",") if source.strip()],
        validation=None if not expression else Pattern(expression),
        ttl_s=given.get("authorizerResultTtlInSeconds", 300),
    )


def _integration(given: Mapping[str, Any]) -> Integration:
    responses = given.get("integrationResponses") or {}
    return Integration(
        kind=given["type"],
        uri=given.get("uri") or "",
        http_method=given.get("httpMethod") or "POST",
        credentials=given.get("credentials"),
        parameters=given.get("requestParameters") or {},
        templates=_templates(given.get("requestTemplates")),
        passthrough=given["passthroughBehavior"],
        content_handling=given.get("contentHandling"),
        timeout_s=given.get("timeoutInMillis", 29_000) / 1000,
        responses=[_integration_response(response) for response in responses.values()],
    )


def _integration_response(given: Mapping[str, Any]) -> IntegrationResponse:
    pattern = given.get("selectionPattern")
    return IntegrationResponse(
        status=given["statusCode"],
        pattern=Pattern(pattern) if pattern else None,
        parameters=given.get("responseParameters") or {},
        templates=_templates(given.get("responseTemplates")),
        content_handling=given.get("contentHandling"),
    )


def _templates(given: Mapping[str, str | None] | None) -> Mapping[str, Block]:
    return {content_type.lower(): parse(text or "") for content_type, text in (given or {}).items()}
