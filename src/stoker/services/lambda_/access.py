"""Lambda's operations in IAM's words. Source: "Actions, resources, and condition keys for AWS Lambda"."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Context, Resources, Where, arn_here, everything
from stoker.model.arn import function_arn, parse_function_reference

_OF_FUNCTIONS = """
    GetFunction GetFunctionConfiguration UpdateFunctionCode DeleteFunction PublishVersion ListVersionsByFunction
    CreateAlias GetAlias ListAliases UpdateAlias DeleteAlias RemovePermission GetPolicy
    GetFunctionCodeSigningConfig PutFunctionCodeSigningConfig DeleteFunctionCodeSigningConfig
    PutFunctionConcurrency GetFunctionConcurrency DeleteFunctionConcurrency
    PutProvisionedConcurrencyConfig GetProvisionedConcurrencyConfig ListProvisionedConcurrencyConfigs
    DeleteProvisionedConcurrencyConfig PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig
    GetFunctionEventInvokeConfig ListFunctionEventInvokeConfigs DeleteFunctionEventInvokeConfig
    PutFunctionRecursionConfig GetFunctionRecursionConfig GetFunctionUrlConfig ListFunctionUrlConfigs InvokeAsync
    PutRuntimeManagementConfig GetRuntimeManagementConfig
"""
_OF_URLS = "CreateFunctionUrlConfig UpdateFunctionUrlConfig DeleteFunctionUrlConfig"
_OF_TAGGED = "TagResource UntagResource ListTags"
_OF_MAPPINGS = "GetEventSourceMapping DeleteEventSourceMapping"
_OF_LAYERS = "PublishLayerVersion ListLayerVersions"
_OF_LAYER_VERSIONS = "GetLayerVersion DeleteLayerVersion"
_OF_EVERYTHING = "ListFunctions ListLayers GetAccountSettings ListEventSourceMappings"


def _function(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    text, qualifier = str(params.get("FunctionName", "")), params.get("Qualifier")
    if ":" not in text:
        return [function_arn(where.region, where.account, text, qualifier)]
    reference = parse_function_reference(text)
    if reference is None:
        # No function's name: whoever may do it to all functions gets to hear so.
        return [function_arn(where.region, where.account, text)]
    region, account = reference.region or where.region, reference.account or where.account
    return [function_arn(region, account, reference.name, qualifier or reference.qualifier)]


def _layer(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    name = str(params.get("LayerName", ""))
    return [
        arn_here(name, where)
        if name.startswith("arn:")
        else f"arn:aws:lambda:{where.region}:{where.account}:layer:{name}"
    ]


def _layer_version(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"{_layer(params, where)[0]}:{params.get('VersionNumber', '')}"]


def _mapping(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"arn:aws:lambda:{where.region}:{where.account}:event-source-mapping:{params.get('UUID', '')}"]


def _tagged(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("Resource", "")), where)]


def _layer_by_arn(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("Arn", "")), where)]


def _used_layers(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [arn_here(str(arn), where) for arn in params.get("Layers") or ()]


def _role(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params["Role"])] if params.get("Role") else []


_PASS_ROLE = Access(
    action="iam:PassRole", resources=_role, context=lambda _params: {"iam:PassedToService": "lambda.amazonaws.com"}
)


_USE_LAYERS = Access(action="lambda:GetLayerVersion", resources=_used_layers)
_TAG = Access(
    action="lambda:TagResource", resources=lambda params, where: _function(params, where) if params.get("Tags") else []
)


def _url_context(params: Mapping[str, Any]) -> Context:
    return {"lambda:FunctionUrlAuthType": params["AuthType"]} if params.get("AuthType") else {}


def _grant_context(params: Mapping[str, Any]) -> Context:
    given = {"lambda:Principal": "Principal", "lambda:FunctionUrlAuthType": "FunctionUrlAuthType"}
    return {key: str(params[member]) for key, member in given.items() if params.get(member)}


def _layer_context(params: Mapping[str, Any]) -> Context:
    return {"lambda:Layer": [str(arn) for arn in params["Layers"]]} if params.get("Layers") else {}


def _mapped_function(params: Mapping[str, Any], where: Where) -> Context:
    return {"lambda:FunctionArn": _function(params, where)[0]} if params.get("FunctionName") else {}


def _rows(operations: str, resources: Resources) -> dict[str, Access | None]:
    return {name: Access(action=f"lambda:{name}", resources=resources) for name in operations.split()}


ACCESS: AccessTable = {
    **_rows(_OF_FUNCTIONS, _function),
    **_rows(_OF_TAGGED, _tagged),
    **_rows(_OF_MAPPINGS, _mapping),
    **_rows(_OF_LAYERS, _layer),
    **_rows(_OF_LAYER_VERSIONS, _layer_version),
    **_rows(_OF_EVERYTHING, everything),
    "GetLayerVersionByArn": Access(action="lambda:GetLayerVersion", resources=_layer_by_arn),
    "Invoke": Access(action="lambda:InvokeFunction", resources=_function),
    "InvokeWithResponseStream": Access(action="lambda:InvokeFunction", resources=_function),
    **{name: Access(action=f"lambda:{name}", resources=_function, context=_url_context) for name in _OF_URLS.split()},
    "AddPermission": Access(action="lambda:AddPermission", resources=_function, context=_grant_context),
    "CreateEventSourceMapping": Access(action="lambda:CreateEventSourceMapping", local_context=_mapped_function),
    "UpdateEventSourceMapping": Access(
        action="lambda:UpdateEventSourceMapping", resources=_mapping, local_context=_mapped_function
    ),
    "CreateFunction": Access(
        action="lambda:CreateFunction",
        resources=_function,
        context=_layer_context,
        also=(_PASS_ROLE, _USE_LAYERS, _TAG),
    ),
    "UpdateFunctionConfiguration": Access(
        action="lambda:UpdateFunctionConfiguration",
        resources=_function,
        context=_layer_context,
        also=(_PASS_ROLE, _USE_LAYERS),
    ),
}
