"""What may be said of an API itself, when it is made and when it is patched. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoker.apis.errors import BadRequestException
from stoker.apis.rest import patches
from stoker.apis.rest.documents import Document, check_endpoint_types
from stoker.model.access import Where
from stoker.model.errors import NotBuiltError

MAX_COMPRESSION_BYTES = 10_485_760
MAX_POLICY_BYTES = 8_192
_PATCHABLE = patches.Patchable(
    members={
        "name": patches.text,
        "description": patches.text,
        "version": patches.text,
        "policy": patches.text,
        "apiKeySource": patches.one_of("HEADER", "AUTHORIZER"),
        "minimumCompressionSize": patches.integer,
        "disableExecuteApiEndpoint": patches.boolean,
    },
    removable=frozenset({"description", "version", "policy", "minimumCompressionSize"}),
    sets=frozenset({"binaryMediaTypes"}),
)
_ENDPOINT = "/endpointConfiguration/"

CheckPolicy = Callable[[str], None]
"""Raises ValueError for what is no resource policy."""


def check_api(document: Document, where: Where, check_policy: CheckPolicy) -> None:
    """Raises BadRequestException, or NotBuiltError for what Stoker does not do.

    Short ARNs in the policy become whole.
    """
    api = document["api"]
    if not (api.get("name") or "").strip():
        raise BadRequestException("Invalid REST API name: it must not be empty.")
    check_endpoint_types((api.get("endpointConfiguration") or {}).get("types") or [])
    least = api.get("minimumCompressionSize")
    if least is not None and not 0 <= least <= MAX_COMPRESSION_BYTES:
        raise BadRequestException(
            "Invalid minimum compression size, must be between 0 and 10485760 or null to disable compression"
        )
    if api.get("endpointConfiguration", {}).get("vpcEndpointIds"):
        raise NotBuiltError("Private APIs are not there yet in Stoker.")
    if api.get("policy"):
        api["policy"] = _whole_policy(api["policy"], api["id"], where, check_policy)


def patch_api(
    document: Document, operations: Sequence[Mapping[str, Any]], where: Where, check_policy: CheckPolicy
) -> Document:
    api: Document = document["api"]
    for operation in operations:
        if operation.get("path", "").startswith(_ENDPOINT):
            _patch_endpoint(api["endpointConfiguration"], operation)
        else:
            patches.apply(api, [operation], _PATCHABLE)
    check_api(document, where, check_policy)
    return api


def _patch_endpoint(endpoint: Document, operation: Mapping[str, Any]) -> None:
    """`/endpointConfiguration/types/EDGE` replaced by another type."""
    name, _, known = operation["path"].removeprefix(_ENDPOINT).partition("/")
    value = operation.get("value") or ""
    if name == "vpcEndpointIds":
        raise NotBuiltError("Private APIs are not there yet in Stoker.")
    if name == "ipAddressType" and value in ("ipv4", "dualstack"):
        endpoint["ipAddressType"] = value
        return
    if name != "types" or operation.get("op") not in ("add", "replace"):
        raise BadRequestException(f"Invalid patch path  '{operation['path']}' specified for op '{operation.get('op')}'")
    if known and known not in endpoint["types"]:
        raise BadRequestException(f"Invalid endpoint type specified: {known}")
    check_endpoint_types([value])
    endpoint["types"] = [value]


def _whole_policy(text: str, api_id: str, where: Where, check_policy: CheckPolicy) -> str:
    """`execute-api:/*` stands for the API's own ARN."""
    try:
        policy = json.loads(text)
        whole = json.dumps(_whole(policy, f"arn:aws:execute-api:{where.region}:{where.account}:{api_id}/"))
        check_policy(whole)
    except (ValueError, RecursionError):
        raise BadRequestException(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
        ) from None
    if len(whole.encode()) > MAX_POLICY_BYTES:
        raise BadRequestException(f"The policy is larger than {MAX_POLICY_BYTES} bytes.")
    return whole


def _whole(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {key: _whole(it, prefix) for key, it in value.items()}
    if isinstance(value, list):
        return [_whole(it, prefix) for it in value]
    is_short = isinstance(value, str) and value.startswith("execute-api:/")
    return prefix + value.removeprefix("execute-api:/") if is_short else value
