"""API Gateway V2's operations in IAM's words: HTTP methods on its own resources' paths.

Source: "Actions, resources, and condition keys for Amazon API Gateway Management V2".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from stoker.model.access import Access, AccessTable, Resources, Where

_MEMBER = re.compile(r"\{(\w+)\}")


def _at(path: str) -> Resources:
    """The ARN of a path, whose members in braces are the call's."""

    def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
        filled = _MEMBER.sub(lambda found: str(params.get(found[1], "")), path)
        return [f"arn:aws:apigateway:{where.region}::{filled}"]

    return resources


def _tagged(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [unquote(str(params.get("ResourceArn", "")))]


def _roles(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [params[name] for name in ("CredentialsArn", "AuthorizerCredentialsArn") if params.get(name)]


_PASS_ROLE = Access(
    action="iam:PassRole",
    resources=_roles,
    context=lambda _params: {"iam:PassedToService": "apigateway.amazonaws.com"},
)
_VERBS = {"Create": "POST", "Get": "GET", "Update": "PATCH", "Delete": "DELETE"}
_API = "/apis/{ApiId}"
# Of each kind: the path of all, and of one.
_KINDS = {
    "Api": ("/apis", _API),
    "Authorizer": (f"{_API}/authorizers", f"{_API}/authorizers/{{AuthorizerId}}"),
    "Deployment": (f"{_API}/deployments", f"{_API}/deployments/{{DeploymentId}}"),
    "DomainName": ("/domainnames", "/domainnames/{DomainName}"),
    "ApiMapping": ("/domainnames/{DomainName}/apimappings", "/domainnames/{DomainName}/apimappings/{ApiMappingId}"),
    "Integration": (f"{_API}/integrations", f"{_API}/integrations/{{IntegrationId}}"),
    "Route": (f"{_API}/routes", f"{_API}/routes/{{RouteId}}"),
    "RouteResponse": (
        f"{_API}/routes/{{RouteId}}/routeresponses",
        f"{_API}/routes/{{RouteId}}/routeresponses/{{RouteResponseId}}",
    ),
    "Stage": (f"{_API}/stages", f"{_API}/stages/{{StageName}}"),
}
_WITH_ROLES = frozenset(
    f"{verb}{kind}" for verb in ("Create", "Update") for kind in ("Api", "Authorizer", "Integration")
)


def _rows() -> dict[str, Access]:
    rows: dict[str, Access] = {}
    for kind, (every, one) in _KINDS.items():
        rows[f"Get{kind}s"] = Access(action="apigateway:GET", resources=_at(every))
        for verb, action in _VERBS.items():
            operation = f"{verb}{kind}"
            also = [_PASS_ROLE] if operation in _WITH_ROLES else []
            path = every if verb == "Create" else one
            rows[operation] = Access(action=f"apigateway:{action}", resources=_at(path), also=also)
    return rows


ACCESS: AccessTable = {
    **_rows(),
    "DeleteAccessLogSettings": Access(
        action="apigateway:DELETE", resources=_at(f"{_API}/stages/{{StageName}}/accesslogsettings")
    ),
    "DeleteCorsConfiguration": Access(action="apigateway:DELETE", resources=_at(f"{_API}/cors")),
    "DeleteRouteSettings": Access(
        action="apigateway:DELETE", resources=_at(f"{_API}/stages/{{StageName}}/routesettings/{{RouteKey}}")
    ),
    "ExportApi": Access(action="apigateway:GET", resources=_at(f"{_API}/exports/{{Specification}}")),
    "GetTags": Access(action="apigateway:GET", resources=_tagged),
    "ImportApi": Access(action="apigateway:PUT", resources=_at("/apis")),
    "ReimportApi": Access(action="apigateway:PUT", resources=_at(_API)),
    "ResetAuthorizersCache": Access(
        action="apigateway:DELETE", resources=_at(f"{_API}/stages/{{StageName}}/cache/authorizers")
    ),
    "TagResource": Access(action="apigateway:POST", resources=_tagged),
    "UntagResource": Access(action="apigateway:DELETE", resources=_tagged),
}
