"""API Gateway's operations in IAM's words: HTTP methods on its own resources' paths.

Source: "Actions, resources, and condition keys for Amazon API Gateway Management".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from stoker.apis.rest.patches import parts_of
from stoker.model.access import Access, AccessTable, Resources, Where

_MEMBER = re.compile(r"\{(\w+)\}")
_API = "/restapis/{restApiId}"
_METHOD = f"{_API}/resources/{{resourceId}}/methods/{{httpMethod}}"
_INTEGRATION = f"{_METHOD}/integration"
_VERBS = {"Create": "POST", "Put": "PUT", "Get": "GET", "Update": "PATCH", "Delete": "DELETE"}
# Of each kind: the verbs that are about one of it, with its path; and the path of all where they can be listed.
_KINDS: Mapping[str, tuple[str, str, str | None]] = {
    "RestApi": ("Put Get Update Delete", _API, "/restapis"),
    "Resource": ("Get Update Delete", f"{_API}/resources/{{resourceId}}", f"{_API}/resources"),
    "Method": ("Put Get Update Delete", _METHOD, None),
    "MethodResponse": ("Put Get Update Delete", f"{_METHOD}/responses/{{statusCode}}", None),
    "Integration": ("Put Get Update Delete", _INTEGRATION, None),
    "IntegrationResponse": ("Put Get Update Delete", f"{_INTEGRATION}/responses/{{statusCode}}", None),
    "Model": ("Get Update Delete", f"{_API}/models/{{modelName}}", f"{_API}/models"),
    "RequestValidator": (
        "Get Update Delete",
        f"{_API}/requestvalidators/{{requestValidatorId}}",
        f"{_API}/requestvalidators",
    ),
    "Authorizer": ("Get Update Delete", f"{_API}/authorizers/{{authorizerId}}", f"{_API}/authorizers"),
    "GatewayResponse": (
        "Put Get Update Delete",
        f"{_API}/gatewayresponses/{{responseType}}",
        f"{_API}/gatewayresponses",
    ),
    "Deployment": ("Get Update Delete", f"{_API}/deployments/{{deploymentId}}", f"{_API}/deployments"),
    "Stage": ("Get Update Delete", f"{_API}/stages/{{stageName}}", f"{_API}/stages"),
    "ApiKey": ("Get Update Delete", "/apikeys/{apiKey}", "/apikeys"),
    "UsagePlan": ("Get Update Delete", "/usageplans/{usagePlanId}", "/usageplans"),
    "UsagePlanKey": ("Get Delete", "/usageplans/{usagePlanId}/keys/{keyId}", "/usageplans/{usagePlanId}/keys"),
    "DomainName": ("Get Update Delete", "/domainnames/{domainName}", "/domainnames"),
    "BasePathMapping": (
        "Get Update Delete",
        "/domainnames/{domainName}/basepathmappings/{basePath}",
        "/domainnames/{domainName}/basepathmappings",
    ),
    "Account": ("Get Update", "/account", None),
}
_CREATED = (
    "RestApi",
    "Model",
    "RequestValidator",
    "Authorizer",
    "Deployment",
    "Stage",
    "ApiKey",
    "UsagePlan",
    "UsagePlanKey",
    "DomainName",
    "BasePathMapping",
)


def _at(path: str) -> Resources:
    """The ARN of a path, whose members in braces are the call's."""

    def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
        filled = _MEMBER.sub(lambda found: str(params.get(found[1], "")), path)
        return [f"arn:aws:apigateway:{where.region}::{filled}"]

    return resources


def _tags(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"arn:aws:apigateway:{where.region}::/tags/{quote(str(params.get('resourceArn', '')), safe='')}"]


def _roles(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    """Those that a call hands over; also in patches."""
    named = [params.get(name) for name in ("credentials", "authorizerCredentials")]
    patched = [
        each.get("value")
        for each in params.get("patchOperations") or ()
        if parts_of(str(each.get("path", "")))[-1] in ("credentials", "authorizerCredentials", "cloudwatchRoleArn")
    ]
    return [str(role) for role in (*named, *patched) if role]


_PASS_ROLE = Access(
    action="iam:PassRole",
    resources=_roles,
    context=lambda _params: {"iam:PassedToService": "apigateway.amazonaws.com"},
)
_WITH_ROLES = frozenset(
    {"PutIntegration", "UpdateIntegration", "CreateAuthorizer", "UpdateAuthorizer", "UpdateAccount"}
)


def _row(operation: str, verb: str, path: str) -> Access:
    also = [_PASS_ROLE] if operation in _WITH_ROLES else []
    return Access(action=f"apigateway:{verb}", resources=_at(path), also=also)


def _rows() -> dict[str, Access]:
    rows: dict[str, Access] = {}
    for kind, (verbs, one, every) in _KINDS.items():
        for verb in verbs.split():
            rows[f"{verb}{kind}"] = _row(f"{verb}{kind}", _VERBS[verb], one)
        if every is not None:
            rows[f"Get{kind}s"] = _row(f"Get{kind}s", "GET", every)
    for kind in _CREATED:
        rows[f"Create{kind}"] = _row(f"Create{kind}", "POST", str(_KINDS[kind][2]))
    return rows


ACCESS: AccessTable = {
    **_rows(),
    "CreateResource": _row("CreateResource", "POST", f"{_API}/resources/{{parentId}}"),
    "FlushStageAuthorizersCache": _row(
        "FlushStageAuthorizersCache", "DELETE", f"{_API}/stages/{{stageName}}/cache/authorizers"
    ),
    "GetExport": _row("GetExport", "GET", f"{_API}/stages/{{stageName}}/exports/{{exportType}}"),
    "GetTags": Access(action="apigateway:GET", resources=_tags),
    "GetUsage": _row("GetUsage", "GET", "/usageplans/{usagePlanId}/usage"),
    "ImportRestApi": _row("ImportRestApi", "POST", "/restapis"),
    "TagResource": Access(action="apigateway:PUT", resources=_tags),
    "UntagResource": Access(action="apigateway:DELETE", resources=_tags),
}
